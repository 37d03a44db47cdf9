/** The ledger: a pure function of a state, a block and its transactions (settlement §2–§8). */
export { type Applied, applyTx } from './apply.ts';
export { beginBlock, endBlock } from './block.ts';
export { checkDoor, gasOf, type OpenedTx, type Pending, readDoor, VERIFYING } from './door.ts';
export { type BlockContext, type LedgerEnv, plainEnv } from './env.ts';
export { checkOrder } from './fields.ts';
export { MAX_ORDER_BYTES } from './messages/open-job.ts';
export { MOVES, type Pot, type PotName } from './moves.ts';
export { nextPrice, priceAt } from './price.ts';
export { accountOf, paramsOf, supplyOf, verifiersOf } from './records.ts';
export { type Row, STORES, State, type StoreName } from './state.ts';
export { type Claim, statementOf } from './statement.ts';
