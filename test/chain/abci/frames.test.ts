/** Frames against bytes that CometBFT sent, against every way a stream can be cut, and against streams that are none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameError, FrameReader, frame, MAX_FRAME } from '../../../chain/abci/frames.ts';
import { type AbciServer, serveAbci } from '../../../chain/abci/server.ts';
import type { Application } from '../../../chain/application.ts';
import { Random } from '../../random.ts';
import { dial, requests } from './client.helpers.ts';
import { bytes } from './notes.ts';

const hex = (s: string): Uint8Array => Uint8Array.from(Buffer.from(s, 'hex'));
const read = (reader: FrameReader, chunk: Uint8Array): Uint8Array[] => [...reader.push(chunk)];
const whole = (chunk: Uint8Array): Uint8Array[] => read(new FrameReader(), chunk);

/** Answers whatever it is asked: what comes through a frame is not its concern. */
const result = { code: 0, data: new Uint8Array(0), log: '', gasWanted: 0n, gasUsed: 0n, events: [] };
const inert: Application = {
  info: () => ({ height: 0n, appHash: new Uint8Array(0) }),
  initChain: async () => ({ appHash: new Uint8Array(0) }),
  checkTx: async () => result,
  prepareProposal: async ({ txs }) => txs,
  processProposal: async () => true,
  finalizeBlock: async ({ txs }) => ({ results: txs.map(() => result), appHash: new Uint8Array(32), events: [], validatorUpdates: [] }),
  commit: async () => ({ retainHeight: 0n }),
  discard: () => {},
  query: ({ data }) => ({ code: 0, log: '', key: data, value: data, height: 1n, proofOps: [] }),
  close: async () => {},
};

describe('bytes that CometBFT 0.38 and its clients exchange', () => {
  test.each([
    ['flush', '021200', Request.encode({ flush: {} })],
    ['flush answered', '021a00', Response.encode({ flush: {} })],
    ['commit', '025a00', Request.encode({ commit: {} })],
    ['commit answered', '026200', Response.encode({ commit: { retainHeight: 0n } })],
    ['ACCEPT', '059201020801', Response.encode({ processProposal: { status: 1 } })],
  ])('%s', (_, golden, message) => {
    const bytes = message.finish();
    expect(frame(bytes)).toEqual(hex(golden));
    expect(whole(hex(golden))).toEqual([bytes]);
  });
});

describe('a stream', () => {
  const messages = [0, 1, 127, 128, 300, 16_384].map((n) => new Uint8Array(n).fill(n % 251));
  const stream = Buffer.concat(messages.map(frame));

  test('says the same wherever it is cut', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new FrameReader();
      const got = [...read(reader, stream.subarray(0, cut)), ...read(reader, stream.subarray(cut))];
      if (!Buffer.concat(got.map(frame)).equals(stream)) expect.fail(`cut at ${cut}`);
    }
  });

  test('says the same byte by byte', () => {
    const reader = new FrameReader();
    expect([...stream].flatMap((byte) => read(reader, Uint8Array.of(byte)))).toEqual(messages);
  });

  test('keeps nothing of the buffer it came in', () => {
    const reader = new FrameReader();
    const buffer = frame(bytes('settled'));
    const [message] = read(reader, buffer);
    buffer.fill(0);
    expect(message).toEqual(bytes('settled'));
  });

  test.each([
    ['a length of five bytes', '8080808000', 'more than 4 bytes'],
    ['a length that never ends', 'ffffffffffffffffffff', 'more than 4 bytes'],
    ['a length that is not minimal', '8000', 'not minimal'],
    ['a length above the cap', '81808004', `the most is ${MAX_FRAME}`],
  ])('is refused at %s, after its good frames', (_, bad, why) => {
    const got: Uint8Array[] = [];
    const pull = (): void => {
      for (const message of new FrameReader().push(Buffer.concat([hex('021200'), hex(bad)]))) got.push(message);
    };
    expect(pull).toThrow(FrameError);
    expect(got).toEqual([hex('1200')]);
    expect(() => whole(hex(bad))).toThrow(why);
  });

  test('of a frame at the cap is read, and takes no memory before it comes', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new FrameReader());
    for (const reader of readers) read(reader, hex('80808004ff'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MAX_FRAME);
    expect(whole(frame(new Uint8Array(MAX_FRAME).fill(7)))[0]?.length).toBe(MAX_FRAME);
  });
});

describe('a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-abci-'));
  const fatal: unknown[] = [];
  let malformed = 0;
  let server: AbciServer;
  beforeAll(async () => {
    server = await serveAbci(inert, {
      socket: `unix://${join(folder, 'app.sock')}`,
      onFatal: (e) => fatal.push(e),
      onMalformed: () => malformed++,
    });
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  test('answers the golden frames with the golden frames', async () => {
    const client = await dial(server.address);
    await client.call(requests.finalize(1, []));
    const from = client.received().length;
    client.send(hex('025a00021200'));
    await client.call(requests.process(2, []));
    expect(client.received().subarray(from).toString('hex')).toBe('026200021a00059201020801');
    client.close();
  });

  test('lives through 10,000 frames that were changed, and holds no more than it must', async () => {
    const random = new Random(8);
    const tx = new Uint8Array(200).fill(97);
    const good = [
      requests.flush(),
      requests.echo('are you there'),
      requests.info(),
      requests.initChain(bytes('{"notes":{}}')),
      requests.checkTx(tx),
      requests.query('/store/jobs/key', tx),
      requests.prepare(1, [tx, tx]),
      requests.process(1, [tx, tx]),
      requests.finalize(1, [tx, tx]),
      requests.commit(),
    ].map((r) => frame(Request.encode(r).finish()));
    const before = process.memoryUsage().arrayBuffers;
    let client = await dial(server.address);
    let gone = false;
    let connections = 1;
    for (let i = 0; i < 10_000; i++) {
      if (gone) {
        client = await dial(server.address);
        connections++;
        gone = false;
      }
      const mine = client;
      mine.ended.then(() => {
        if (client === mine) gone = true;
      });
      client.send(mutated(random.pick(good), random));
      // Turns for the server; and a new start now and then, since a frame that claims much swallows those behind it.
      if (i % 4 === 3) await new Promise((done) => setImmediate(done));
      if (i % 50 === 49) {
        client.close();
        await client.ended;
        gone = true;
      }
    }
    client.close();
    const other = await dial(server.address);
    expect((await other.call(requests.echo('alive'))).echo?.message).toBe('alive');
    other.close();
    expect(fatal).toEqual([]);
    expect(malformed).toBeGreaterThan(100);
    expect(connections).toBeGreaterThan(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MAX_FRAME);
  });
});

function mutated(good: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(good);
  const at = random.int(0, good.length - 1);
  switch (random.int(0, 4)) {
    case 0:
      changed[at] = random.int(0, 255);
      return changed;
    case 1:
      return changed.subarray(0, at);
    case 2:
      return Buffer.concat([changed.subarray(0, at), Uint8Array.from({ length: random.int(1, 12) }, () => 0xff), changed.subarray(at)]);
    case 3:
      changed[0] = random.int(0, 255);
      return changed;
    default:
      return Uint8Array.from(random.ints(random.int(1, 40), 0, 255));
  }
}
