/** Verifies in a worker that has done nothing else. */
import { verifyRounds } from '../rounds.ts';
import type { VerifyOrder } from './order.ts';
import { bytes, serve } from './worker.ts';

serve<VerifyOrder>(async ({ repeats }) => verifyRounds(await bytes('proof'), await bytes('key'), repeats));
