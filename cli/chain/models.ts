/** What `assay model` does. */
import { showAddress } from '../../chain/accounts.ts';
import { showAmount } from '../../chain/amounts.ts';
import { ledgerModel, modelIdFor } from '../../chain/client/index.ts';
import { asKind } from '../artefact.ts';
import type { RegisterFlags } from '../commands/model.ts';
import { parseHash } from '../context.ts';
import { LIMITS, readFile } from '../files.ts';
import { CannotTell } from '../outcome.ts';
import { say } from '../talk.ts';
import { hex } from '../text.ts';
import type { ChainFlags } from './flags.ts';
import { onChain, show } from './session.ts';

const SETUPS = ['transparent', 'universal', 'a set-up per circuit'];

export const registerModel = (path: string, flags: RegisterFlags): Promise<void> =>
  onChain(flags, async (s) => {
    if (!/^[ -~]{0,256}$/.test(flags.uri)) throw new CannotTell('usage', '--uri takes at most 256 printable ASCII characters');
    const bytes = readFile(path, 'key', LIMITS.key);
    const model = asKind('key', path, bytes, () => ledgerModel(bytes, flags.uri));
    const signer = s.signer();
    const { keyBurn } = await s.chain.params();
    say(`registering ${bytes.length} bytes burns ${showAmount(keyBurn * BigInt(bytes.length), 'opg')} besides the gas`);
    const done = await s.chain.send(signer, { case: 'registerModel', value: { commitment: model.commitment, key: bytes } });
    const id = hex(modelIdFor(model, signer.address));
    await show(s, { modelId: id, height: done.height.toString(), vgas: model.key.vgas.toString(), proofCap: model.key.proofCap }, [
      ['model', id],
      ['block', done.height.toString()],
      ['proofs', `at most ${model.key.proofCap} bytes, ${model.key.vgas} verification gas`],
    ]);
    return 0;
  });

export const showModel = (id: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const model = await s.chain.model(parseHash(id, 'the id'));
    if (model === null) throw new CannotTell('chain.no-record', `the node knows no model ${id}`);
    const c = model.commitment;
    const value = {
      modelId: id.replace(/^0x/, ''),
      owner: showAddress(model.owner),
      deprecated: model.deprecated,
      vkHash: hex(c?.vkHash ?? new Uint8Array(0)),
      uri: new TextDecoder().decode(c?.uri),
      keyBytes: model.key.length,
      vgas: model.vgas.toString(),
      proofCap: model.proofCap,
      setup: SETUPS[model.setup] ?? 'unknown',
      registeredAt: model.registeredAt.toString(),
    };
    await show(s, value);
    return 0;
  });

export const deprecateModel = (id: string, flags: ChainFlags): Promise<void> =>
  onChain(flags, async (s) => {
    const done = await s.chain.send(s.signer(), { case: 'deprecateModel', value: { modelId: parseHash(id, 'the id') } });
    await show(s, { modelId: id.replace(/^0x/, ''), deprecated: true, height: done.height.toString() });
    return 0;
  });
