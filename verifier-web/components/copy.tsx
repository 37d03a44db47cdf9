import { useEffect, useState } from 'preact/hooks';

/** Copies text; where the browser forbids that, shows it. */
export function Copy({ label, text }: { label: string; text: () => string }) {
  const [state, setState] = useState<'idle' | 'copied' | { readonly text: string }>('idle');
  useEffect(() => {
    if (state !== 'copied') return;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <>
      <button
        type="button"
        onClick={async () => {
          const words = text();
          try {
            await navigator.clipboard.writeText(words);
            setState('copied');
          } catch {
            setState({ text: words });
          }
        }}
      >
        {state === 'copied' ? 'Copied' : label}
      </button>
      {typeof state === 'object' && <textarea readOnly rows={6} aria-label={label} value={state.text} />}
    </>
  );
}
