/** Light and dark: the system's choice, until somebody makes another. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'assay-theme';

export function theme(): Theme {
  try {
    return THEMES.find((t) => t === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system'; // storage may be forbidden
  }
}

export function setTheme(t: Theme): void {
  try {
    localStorage.setItem(KEY, t);
  } catch {
    // it lasts as long as the page then
  }
  document.documentElement.dataset.theme = t;
}

export const keepTheme = (): void => {
  document.documentElement.dataset.theme = theme();
};
