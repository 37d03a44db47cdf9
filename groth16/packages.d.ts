/** The parts of snarkjs that are used; the package has no types of its own. */
declare module 'snarkjs' {
  /** A file by its path, or in memory. */
  export type File = string | Uint8Array | { type: 'mem'; data?: Uint8Array };
  export interface Logger {
    debug(text: string): void;
    info(text: string): void;
    warn(text: string): void;
    error(text: string): void;
  }
  export interface SnarkProof {
    readonly pi_a: readonly string[];
    readonly pi_b: readonly (readonly string[])[];
    readonly pi_c: readonly string[];
  }
  export interface Curve {
    terminate(): Promise<void>;
  }
  export const curves: { getCurveFromName(name: string, options?: { singleThread?: boolean }): Promise<Curve> };
  export const wtns: { calculate(input: Record<string, unknown>, wasm: File, out: File): Promise<void> };
  export const groth16: {
    prove(zkey: File, wtns: File, logger?: Logger): Promise<{ proof: SnarkProof; publicSignals: string[] }>;
    verify(vk: unknown, signals: readonly string[], proof: unknown, logger?: Logger): Promise<boolean>;
  };
  export const powersOfTau: {
    newAccumulator(curve: Curve, power: number, out: File, logger?: Logger): Promise<unknown>;
    contribute(from: File, to: File, name: string, entropy: string, logger?: Logger): Promise<unknown>;
    beacon(from: File, to: File, name: string, hash: string, iterations: number, logger?: Logger): Promise<unknown>;
    preparePhase2(from: File, to: File, logger?: Logger): Promise<unknown>;
    verify(file: File, logger?: Logger): Promise<boolean>;
  };
  export const zKey: {
    newZKey(r1cs: File, ptau: File, zkey: File, logger?: Logger): Promise<Uint8Array | -1>;
    contribute(from: File, to: File, name: string, entropy: string, logger?: Logger): Promise<Uint8Array | false>;
    beacon(from: File, to: File, name: string, hash: string, iterations: number, logger?: Logger): Promise<Uint8Array | false>;
    verifyFromR1cs(r1cs: File, ptau: File, zkey: File, logger?: Logger): Promise<boolean>;
    exportVerificationKey(zkey: File, logger?: Logger): Promise<Record<string, unknown>>;
  };
}
