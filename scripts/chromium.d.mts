/** Its path, or null. */
export function findChromium(): string | null;
/** Installs it where it is missing and allowed; returns what there is to say, or null. */
export function installChromium(): string | null;
