/** The client's life on a devnet. */
import { startDevnet } from '../helpers/chains.ts';
import { clientSuite } from '../helpers/client-suite.ts';

clientSuite('a client on a devnet', () => startDevnet());
