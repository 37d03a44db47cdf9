/** Follows a chain and checks its proofs, in a worker: the page stays alive, and ending the worker ends the work. */
import { expose } from 'comlink';
import { chainService } from './look.ts';

expose(chainService());
