/** Calls on a WebSocket: one after the other, and no answers pile up for somebody who does not read them. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { serveRpc } from '../../../chain/rpc/server.ts';
import { around } from '../helpers/chains.ts';

const LONG = 'x'.repeat(2 ** 19);

test('who asks and does not read is not answered for ever', async () => {
  let answered = 0;
  const rpc = await serveRpc({
    long() {
      answered++;
      return LONG;
    },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${rpc.port}/websocket`);
  await once(socket, 'open');
  socket.pause();
  for (let id = 0; id < 300; id++) socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'long' }));
  await around.pause(1300);
  expect(answered).toBeLessThan(100);
  // Whoever reads on gets the rest, in order.
  const ids: number[] = [];
  socket.on('message', (data) => ids.push((JSON.parse(data.toString()) as { id: number }).id));
  socket.resume();
  while (ids.length < 300) await around.pause(20);
  expect(ids).toEqual(Array.from({ length: 300 }, (_, i) => i));
  socket.terminate();
  await rpc.close();
}, 30_000);
