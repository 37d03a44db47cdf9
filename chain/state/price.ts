/**
 * The burn price: EIP-1559 in integers (settlement §6.4). A block that used no gas changes no record: the record says from which height on
 * its price holds, and the empty blocks since are applied when it is read.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { readAmount, writeAmount } from '../amounts.ts';
import { encode } from '../codec.ts';
import { PriceSchema } from '../generated/records_pb.ts';
import { META } from './genesis-records.ts';
import { paramsOf } from './records.ts';
import type { State } from './state.ts';

export const MAX_PRICE = 2n ** 96n;

/** opg a unit of gas in the block of this height. */
export function priceAt(state: State, height: bigint): bigint {
  const bytes = state.get('meta', META.price);
  if (bytes === undefined) throw new Error('state: no record meta/price');
  const { price, atHeight } = fromBinary(PriceSchema, bytes);
  const floor = readAmount(paramsOf(state).priceFloor, 'priceFloor');
  let p = readAmount(price, 'price');
  // At most some 600 steps from 2^96 down to where an eighth is nothing.
  for (let h = atHeight; h < height && p > floor && p / 8n > 0n; h++) p = clamp(p - p / 8n, floor);
  return p;
}

/** The price after a block in which `used` gas passed the door. */
export function nextPrice(price: bigint, used: bigint, blockVgas: bigint, floor: bigint): bigint {
  const target = blockVgas / 2n;
  const away = used > target ? used - target : target - used;
  const delta = (price * away) / target / 8n;
  if (used > target) return clamp(price + (delta > 1n ? delta : 1n), floor);
  return clamp(price - (used < target ? delta : 0n), floor);
}

/** Ends a block: writes the price of the next, if this one used gas. */
export function turnPrice(state: State, height: bigint, used: bigint): void {
  if (used === 0n) return;
  const { blockVgas, priceFloor } = paramsOf(state);
  const next = nextPrice(priceAt(state, height), used, blockVgas, readAmount(priceFloor, 'priceFloor'));
  state.set('meta', META.price, encode(PriceSchema, { price: writeAmount(next), atHeight: height + 1n }));
}

const clamp = (p: bigint, floor: bigint): bigint => (p < floor ? floor : p > MAX_PRICE ? MAX_PRICE : p);
