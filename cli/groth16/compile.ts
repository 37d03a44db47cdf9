/** `assay compile` and `assay check` for groth16. */

import type { Groth16Report } from '../../groth16/index.ts';
import type { CompileOptions } from '../commands/compile.ts';
import { target, writeFiles } from '../files.ts';
import type { CheckReport as NativeReport } from '../library.ts';
import type { Exit } from '../outcome.ts';
import { progressLine } from '../progress.ts';
import { stoppable } from '../stop.ts';
import { hint, note, print, say } from '../talk.ts';
import { count, printable, size } from '../text.ts';
import { withGroth16 } from './load.ts';

export async function compileForGroth16(model: Uint8Array, path: string, name: string, options: CompileOptions): Promise<Exit> {
  const visibility = { hideInput: options.privateInput === true, hideOutput: options.privateOutput === true };
  if (options.emit) {
    await print((await withGroth16((g) => g.circomText(model, visibility))).trimEnd());
    return 0;
  }
  const circuitPath = await target(`${name}.circuit`, [path]);
  const line = progressLine('compile');
  const started = performance.now();
  const made = await stoppable(async (signal) => {
    const result = await withGroth16((g) =>
      g.compileGroth16(model, { ...visibility, force: options.force === true, signal, onProgress: line.update }).finally(line.end),
    );
    writeFiles([{ path: circuitPath, bytes: result.circuit }], signal);
    return result;
  });
  await print(`${printable(name)}.circuit`);
  for (const sentence of made.notes) note(printable(sentence));
  const { constraints, publicSignals } = made.cost;
  const seconds = (performance.now() - started) / 1000;
  say(`${count(constraints)} constraints, ${publicSignals} public signals, circuit ${size(made.circuit.length)}, ${seconds.toFixed(2)} s`);
  hint(`assay setup groth16 ${printable(name)}.circuit makes the keys`);
  return 0;
}

/** The report of a model that can be compiled, with what it costs here; refused where it is beyond what is compiled. */
export async function checkForGroth16(model: Uint8Array, native: NativeReport): Promise<Groth16Report> {
  const { predicted: _, ...report } = native;
  return await withGroth16((g) => g.checkGroth16(model, report));
}
