/** The client's life on a real CometBFT node. */
import { test } from 'vitest';
import { cometIsMissing, startComet } from '../helpers/chains.ts';
import { clientSuite } from '../helpers/client-suite.ts';

const missing = cometIsMissing();
if (missing !== null) test('a client on CometBFT', (context) => context.skip(missing));
else clientSuite('a client on CometBFT', () => startComet());
