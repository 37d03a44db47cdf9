/** Whoever runs float models for the quantizer: onnxruntime on a desk, anything that computes ONNX in a test. */

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What goes into a model: floats, or the int64 indices of an embedding. */
export interface InputTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** The inputs of one inference by name. */
export type Sample = Readonly<Record<string, InputTensor>>;
/** Tensors by name. */
export type Floats = Readonly<Record<string, FloatTensor>>;

export interface Runtime {
  /** Opens an ONNX model. The quantizer closes what it opens. */
  open(model: Uint8Array): Promise<Session>;
}

export interface Session {
  /** All outputs of the model by name; outputs of integers may come as floats. */
  run(inputs: Sample): Promise<Floats>;
  close(): Promise<void>;
}

/** Opens a model for as long as `work` takes. */
export async function withModel<T>(runtime: Runtime, model: Uint8Array, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await runtime.open(model);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
