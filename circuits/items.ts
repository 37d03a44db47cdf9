/** The statement's items of a key: what each input and output must look like (protocol §11.2). */
import type { ItemShape } from '../protocol/statement.ts';
import type { KeyFields } from './key.ts';
import type { IoTensor, Tensor } from './types.ts';

export function itemShape(key: KeyFields, io: IoTensor, name: string): ItemShape {
  const { dims, lo, hi } = key.tensors[io.tensor] as Tensor;
  return { name, dtype: io.dtype, dims, zp: io.zp, lo: lo as number, hi: hi as number };
}
