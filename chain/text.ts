/** Text in consensus messages: bytes of printable ASCII (settlement §2.2). */
export const isPrintable = (bytes: Uint8Array): boolean => bytes.every((b) => b >= 32 && b <= 126);

const decoder = new TextDecoder();
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
