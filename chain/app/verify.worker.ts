/** A verifier's thread: the systems of this release. */
import { SYSTEMS } from '../systems/index.ts';
import { serveVerdicts } from './serve-verdicts.ts';

serveVerdicts(SYSTEMS);
