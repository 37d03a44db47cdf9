/** Building, signing, sending and following transactions: what the package exports as `assay/chain`. */
export { addressOf, parseAddress, showAddress } from '../accounts.ts';
export { parseAmount, showAmount } from '../amounts.ts';
export { codeName, Rejected } from '../codes.ts';
export { httpRpc, type Rpc, RpcError } from '../rpc/rpc.ts';
export {
  Chain,
  type ChainOptions,
  type ChainParams,
  type ChainStatus,
  HEADROOM,
  type Outcome,
  type SendOptions,
  TxRefused,
  WrongChain,
} from './chain.ts';
export {
  type LedgerInference,
  type LedgerModel,
  ledgerInference,
  ledgerModel,
  modelIdFor,
  rawProof,
  statementFor,
} from './inference.ts';
export { checkReceipt, type SignedReceipt, signReceipt } from './receipts.ts';
export { Sender } from './sender.ts';
export { type Signer, signerOf } from './signer.ts';
export { type Msg, type SignedTx, signOrder, signTx, type TxTerms } from './transactions.ts';
