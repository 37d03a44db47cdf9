/** The part of the WebAssembly JavaScript interface that is used here: the standard library of TypeScript has it with the DOM alone. */
declare namespace WebAssembly {
  interface Module {
    readonly __module: unique symbol;
  }
  const Module: { new (bytes: Uint8Array): Module };
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  const Instance: { new (module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Instance };
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  const Memory: { new (descriptor: { initial: number; maximum?: number; shared?: boolean }): Memory };
  function validate(bytes: Uint8Array): boolean;
}
