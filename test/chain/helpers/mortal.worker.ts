/** A verifier's thread that dies of some proofs. */
import { serveVerdicts } from '../../../chain/app/serve-verdicts.ts';
import { type Death, mortalSystem } from './mortal.ts';

const deep = (n: number): number => 1 + deep(n + 1);
const hog = (): never => {
  for (const all: number[][] = []; ; ) all.push(Array.from({ length: 100_000 }, (_, i) => i + 0.5));
};
const ways: Readonly<Record<Death, () => unknown>> = {
  exit: () => process.exit(1),
  hog,
  deep: () => deep(0),
  throw() {
    throw new Error('no memory');
  },
};

serveVerdicts([
  mortalSystem((death) => {
    ways[death]();
    throw new Error('still alive');
  }),
]);
