/** The embedded chain (settlement §11). */
export { type BlockStore, type DevnetBlock, lmdbBlocks, memoryBlocks } from './blocks.ts';
export { Devnet, type DevnetOptions } from './devnet.ts';
export { devnetGenesis, type GenesisDoc } from './genesis.ts';
export { devnetMethods } from './methods.ts';
export { type OpenDevnetOptions, type OpenedDevnet, openDevnet } from './open.ts';
