/** The coat under CometBFT (settlement §8). */
export { type HomeOptions, initHome, joinNetwork } from './home.ts';
export { type CometNode, type CometNodeOptions, runCometNode } from './run.ts';
export { type AbciOptions, type AbciServer, serveAbci } from './server.ts';
