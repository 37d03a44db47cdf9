/** The client's life on a real CometBFT node. */
import { test } from 'vitest';
import { cometIsMissing, startComet } from '../helpers/chains.ts';
import { clientSuite } from '../helpers/client-suite.ts';

test.runIf(cometIsMissing() !== null)('a real chain', (context) => context.skip(cometIsMissing() as string));
clientSuite('a client on CometBFT', () => startComet(), cometIsMissing);
