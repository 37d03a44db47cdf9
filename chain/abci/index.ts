/** The coat under CometBFT (settlement §8). */
export { type GenesisDocument, type Home, makeHome, makeHomes, type NodeSettings, rpcUrl } from './config.ts';
export { type CometNode, type CometNodeOptions, type NodeEnd, runCometNode } from './run.ts';
export { serveAbci } from './server.ts';
