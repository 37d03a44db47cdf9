/** Montgomery form, in which kernels keep elements: x stands as x·R mod p. wasm/assembly/field.ts has the same numbers. */

/** R = 2^32 mod p. */
export const R = 33554430;
/** R²: a Montgomery product with it takes a plain element into that form. */
export const R2 = 402124772;
