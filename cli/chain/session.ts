/** What every command that talks to a chain shares: the flags, the connection, the wallet, and how failures are told. */
import { parseAddress } from '../../chain/accounts.ts';
import { parseAmount } from '../../chain/amounts.ts';
import { Chain, type Signer, TxRefused, WrongChain } from '../../chain/client/index.ts';
import { codeName, Rejected } from '../../chain/codes.ts';
import { Malformed } from '../../chain/comet/json.ts';
import { RecordRefused } from '../../chain/light/record.ts';
import { LightRefused } from '../../chain/light/verify.ts';
import { httpRpc, RpcError } from '../../chain/rpc/rpc.ts';
import { Refused } from '../../protocol/refused.ts';
import { encode } from '../json.ts';
import { CannotTell, conclude, type Exit } from '../outcome.ts';
import { print } from '../talk.ts';
import { columns, printable } from '../text.ts';
import { type ChainFlags, DEFAULT_CHAIN } from './flags.ts';
import { openWallet, walletPath } from './wallet.ts';

export interface Session {
  readonly chain: Chain;
  readonly url: string;
  /** The chain that was chosen. */
  readonly only: string | undefined;
  readonly json: boolean;
  /** Opens the wallet when it is asked for. */
  signer(): Signer;
}

/** Runs a command on a chain; refusals of the ledger end with 1, silence of the node with 2. */
export function onChain(flags: ChainFlags, work: (s: Session) => Promise<Exit>): Promise<void> {
  return conclude(
    () =>
      telling(async () => {
        const s = open(flags);
        // What only reads never asks which chain it reads.
        if (s.only !== undefined) await s.chain.status();
        return work(s);
      }),
    flags.json ? {} : 'silent',
  );
}

/** Failures of a chain in the words of the command line. */
export async function telling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (e instanceof TxRefused) throw new Refused(e.code === 0 ? 'not-included' : codeName(e.code), e.message.replace(/^E_[A-Z_]+: /, ''));
    // Too old to be followed is not refuted: the lamp of it is grey.
    if (e instanceof LightRefused && e.code === 'trust.expired')
      throw new CannotTell('chain.trust.expired', `cannot follow the chain: ${e.message}`, '--checkpoint takes a newer block');
    if (e instanceof RecordRefused && e.code === 'record.header') throw new CannotTell(`chain.${e.code}`, e.message);
    if (e instanceof Rejected || e instanceof LightRefused || e instanceof RecordRefused) throw new Refused(e.code, e.message);
    if (e instanceof RpcError)
      throw new CannotTell(
        `chain.${e.kind}`,
        e.message,
        e.kind === 'unreachable' ? 'assay node --devnet starts a chain; --chain or ASSAY_CHAIN names its address' : undefined,
      );
    if (e instanceof WrongChain) throw new CannotTell('chain.other', e.message, '--only or ASSAY_CHAIN_ID chose the chain');
    if (e instanceof Malformed) throw new CannotTell('chain.malformed', `the node's answer is malformed: ${e.message}`);
    throw e;
  }
}

function open(flags: ChainFlags): Session {
  const url = flags.chain ?? process.env.ASSAY_CHAIN ?? DEFAULT_CHAIN;
  if (!/^https?:\/\/[^\s]+$/.test(url)) throw new CannotTell('usage', `--chain ${printable(url)} is no http address`);
  let signer: Signer | undefined;
  const only = flags.only ?? process.env.ASSAY_CHAIN_ID;
  return {
    chain: new Chain(httpRpc(url), { chainId: only }),
    url,
    only,
    json: flags.json === true,
    signer: () => {
      signer ??= openWallet(walletPath(flags.wallet));
      return signer;
    },
  };
}

/** Prints an answer: JSON, or rows of name and value. */
export async function show(
  s: { readonly json: boolean },
  value: Readonly<Record<string, unknown>>,
  rows?: readonly (readonly [string, string])[],
): Promise<void> {
  if (s.json) return print(encode(value));
  const lines = rows ?? Object.entries(value).map(([k, v]) => [k, String(v)] as const);
  await print(columns(lines.map(([k, v]) => [k, v])));
}

export function addressFrom(text: string, flag: string): Uint8Array {
  const address = parseAddress(text);
  if (address === null)
    throw new CannotTell('usage', `${flag} ${printable(text)} is no address: it begins with opg1 and has 42 characters`);
  return address;
}

/** `1.5 usd` or `1.5usd` or `--denom`. */
export function amountFrom(text: string, denom: string, flag: string): bigint {
  const n = parseAmount(text, denom);
  if (n === null) throw new CannotTell('usage', `${flag} ${printable(text)} is no amount of ${printable(denom)}`);
  return n;
}
