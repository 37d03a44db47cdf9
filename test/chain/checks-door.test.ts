/** The door: checks 1–10 of every transaction (settlement §4.1), one test a defect. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { writeAmount } from '../../chain/amounts.ts';
import { MAX_TX_BYTES } from '../../chain/limits.ts';
import { gasOf, priceAt } from '../../chain/state/index.ts';
import { accountOf } from '../../chain/state/records.ts';
import { ascii, concat, fromHex } from '../../protocol/bytes.ts';
import { base, cases, draft, envelope, made, options, otherBody, runs, sponsored, transfer } from './helpers/cases.ts';
import { sign } from './helpers/keys.ts';
import { bodyOf, bytes, OPG, sealTx } from './helpers/txs.ts';
import { drain, OTHER, PROVER, REQUESTER, SPONSOR, verifyInference } from './helpers/world.ts';

describe('the door (§4.1)', () => {
  const L = ed25519.Point.Fn.ORDER;
  /** S and S + L are the same number to whoever reduces. */
  const plusL = (sig: Uint8Array): Uint8Array => {
    let s = 0n;
    for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(sig[i] as number);
    const out = sig.slice();
    for (let i = 32, n = s + L; i < 64; i++, n >>= 8n) out[i] = Number(n & 255n);
    return out;
  };
  /** Field 99, a varint: nobody's. */
  const unknown = fromHex('9a0600') as Uint8Array;

  runs(
    [
      ...cases(transfer)(
        [
          'E_SIZE',
          'one byte more than fits',
          (d) => {
            d.bytes = () => bytes(MAX_TX_BYTES + 1);
          },
        ],
        [
          'E_DECODE',
          'a transaction cut short',
          (d) => {
            d.bytes = (tx) => tx.subarray(0, -1);
          },
        ],
        ['E_DECODE', 'a body cut short', otherBody((body) => body.subarray(0, -1))],
        [
          'E_NONCANONICAL',
          'a transaction with an unknown field',
          (d) => {
            d.bytes = (tx) => concat(tx, unknown);
          },
        ],
        ['E_NONCANONICAL', 'a body with an unknown field', otherBody((body) => concat(body, unknown))],
        ['E_NONCANONICAL', 'a body with a default written out', otherBody((body) => concat(body, fromHex('3000') as Uint8Array))],
        ['E_CHAIN', 'another chain', options({ chainId: ascii('other-chain') })],
        ['E_CHAIN', 'no chain', options({ chainId: bytes(0) })],
        ['E_EXPIRED', 'valid until the block before', options((l) => ({ validUntil: l.height }))],
        ['E_EXPIRED', 'valid for more than 1,000 blocks', options((l) => ({ validUntil: l.height + 1002n }))],
        ['E_KEY', 'a key of small order', envelope({ pubkey: ed25519.Point.ZERO.toBytes() })],
        ['E_KEY', 'a key that is no point', envelope({ pubkey: bytes(32, 2) })],
        ['E_KEY', 'a key of 31 bytes', envelope({ pubkey: REQUESTER.pubkey.subarray(0, 31) })],
        [
          'E_SIG',
          'a signature with one bit turned',
          (d) => {
            d.bytes = (tx) => {
              const at = tx.length - 10;
              return tx.with(at, (tx[at] as number) ^ 1);
            };
          },
        ],
        ['E_SIG', 'no signature', envelope({ sig: bytes(0) })],
        [
          'E_SIG',
          'S + L for S',
          (d, l) => {
            const body = bodyOf({ nonce: accountOf(l.state, d.by.address).nonce + 1n, msg: d.msg });
            d.bytes = () => sealTx(d.by, body, { change: { sig: plusL(sign(d.by, 'opg/tx/v1', body)) } });
          },
        ],
        [
          'E_SIG',
          'a signature for another domain',
          (d, l) => {
            const body = bodyOf({ nonce: accountOf(l.state, d.by.address).nonce + 1n, msg: d.msg });
            d.bytes = () => sealTx(d.by, body, { change: { sig: sign(d.by, 'opg/order/v1', body) } });
          },
        ],
        ['E_SPONSOR', 'a sponsor signs that the body does not name', envelope({ sponsorPubkey: SPONSOR.pubkey, sponsorSig: bytes(64) })],
        ['E_SPONSOR', 'a sponsor’s key without a sponsor', envelope({ sponsorPubkey: SPONSOR.pubkey })],
        ['E_NONCE', 'the nonce before', options((l) => ({ nonce: accountOf(l.state, REQUESTER.address).nonce }))],
        ['E_NONCE', 'the nonce after', options((l) => ({ nonce: accountOf(l.state, REQUESTER.address).nonce + 2n }))],
        ['E_NONCE', 'the largest nonce', options({ nonce: 2n ** 64n - 1n })],
        ['E_VGAS_LIMIT', 'verification gas for a message that verifies nothing', options({ vgasLimit: 1n })],
        [
          'E_MAXBURN',
          'one less than it burns',
          (d, l) => {
            // The length of the amount is that of the good one’s, so that the gas is the same.
            const size = made(d, l.fork()).length;
            let most = gasOf(size, 0n) * priceAt(l.state, l.height + 1n);
            for (let n = 0; n < 3; n++) {
              d.options = { ...d.options, maxBurn: writeAmount(most - 1n) };
              most = gasOf(made(d, l.fork()).length, 0n) * priceAt(l.state, l.height + 1n);
            }
          },
        ],
        ['E_FUNDS', 'a balance below max_burn', (_, l) => drain(l, REQUESTER, 'opg', OPG - 1n)],
      ),
      ...cases(sponsored)(
        ['E_SPONSOR', 'no signature of the sponsor', envelope({ sponsorSig: bytes(0) }, SPONSOR)],
        ['E_SPONSOR', 'no key of the sponsor', envelope({ sponsorPubkey: bytes(0) }, SPONSOR)],
        ['E_SPONSOR', 'the key of somebody else', envelope({ sponsorPubkey: OTHER.pubkey }, SPONSOR)],
        ['E_SPONSOR', 'a key of small order', envelope({ sponsorPubkey: ed25519.Point.ZERO.toBytes() }, SPONSOR)],
        [
          'E_SPONSOR',
          'a sponsor who signed as sender',
          (d, l) => {
            const body = bodyOf({
              nonce: accountOf(l.state, d.by.address).nonce + 1n,
              msg: d.msg,
              sponsor: SPONSOR.address,
            });
            d.bytes = () => sealTx(d.by, body, { sponsor: SPONSOR, change: { sponsorSig: sign(SPONSOR, 'opg/tx/v1', body) } });
          },
        ],
        ['E_FUNDS', 'a sponsor below max_burn', (_, l) => drain(l, SPONSOR, 'opg', OPG - 1n)],
      ),
      ...cases((l) => draft(PROVER, verifyInference(l), { vgasLimit: 1_000_000n }))([
        'E_VGAS_LIMIT',
        'more verification gas than a transaction may have',
        options({ vgasLimit: 1_000_001n }),
      ]),
    ],
    'door',
  );

  test('what is allowed at the edge is allowed', () => {
    const l = base.fork();
    l.ok(l.tx(REQUESTER, transfer().msg, { validUntil: l.height + 1n }));
    l.ok(l.tx(REQUESTER, transfer().msg, { validUntil: l.height + 1001n }));
    // A max_burn that is what it burns, and a balance that is no more.
    let maxBurn = 1n;
    for (let n = 0; n < 3; n++) {
      const size = l.fork().tx(REQUESTER, transfer().msg, { maxBurn: writeAmount(maxBurn) }).length;
      maxBurn = gasOf(size, 0n) * priceAt(l.state, l.height + 1n);
    }
    drain(l, REQUESTER, 'opg', maxBurn);
    l.ok(l.tx(REQUESTER, transfer().msg, { maxBurn: writeAmount(maxBurn) }));
    expect(l.balance(REQUESTER, 'opg')).toBe(0n);
  });
});
