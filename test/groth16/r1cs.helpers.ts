/** A constraint system by hand: satisfied or not, and which wires its inputs determine. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { R, type R1cs, type Row, readField, readR1cs, section, sectionsOf } from '../../groth16/r1cs.ts';
import { withSnarkjs } from '../../groth16/snarkjs.ts';

export interface Compiled {
  readonly r1cs: R1cs;
  readonly bytes: Uint8Array;
  readonly program: Uint8Array;
}

/** Compiles a program over our templates without simplification, so that constraints are those that the templates state. */
export function circom(source: string, optimise: '--O0' | '--O1' | '--O2' = '--O0'): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-circom-'));
  try {
    cpSync('circuits/circom', folder, { recursive: true });
    writeFileSync(join(folder, 'main.circom'), source);
    const cli = resolve('node_modules/circom2/cli.js');
    const { status, stderr, stdout } = spawnSync(process.execPath, [cli, 'main.circom', '--r1cs', '--wasm', optimise], { cwd: folder });
    if (status !== 0) throw new Error(`circom: ${stderr}${stdout}`);
    const bytes = new Uint8Array(readFileSync(join(folder, 'main.r1cs')));
    return { r1cs: readR1cs(bytes), bytes, program: new Uint8Array(readFileSync(join(folder, 'main_js', 'main.wasm'))) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Witnesses of several inputs; null where the program finds none. */
export function witnesses(program: Uint8Array, inputs: readonly Record<string, unknown>[]): Promise<(bigint[] | null)[]> {
  return withSnarkjs(async ({ wtns }) => {
    const out: (bigint[] | null)[] = [];
    for (const input of inputs) {
      const file: { type: 'mem'; data?: Uint8Array } = { type: 'mem' };
      try {
        await wtns.calculate(input, program, file);
      } catch {
        out.push(null);
        continue;
      }
      const values = section(sectionsOf(file.data as Uint8Array, 'wtns'), 2, 'wtns');
      out.push(Array.from({ length: values.length / 32 }, (_, i) => readField(values, 32 * i)));
    }
    return out;
  });
}

const mod = (v: bigint): bigint => ((v % R) + R) % R;

const at = ({ wires, coefficients }: Row, w: readonly bigint[]): bigint =>
  mod(wires.reduce((s, x, i) => s + (coefficients[i] as bigint) * (w[x] as bigint), 0n));

/** The first constraint that these wires break, or -1. */
export const broken = ({ constraints }: R1cs, w: readonly bigint[]): number =>
  constraints.findIndex(([a, b, c]) => mod(at(a, w) * at(b, w)) !== at(c, w));

/**
 * The wires in constraints that are not determined by the known ones. A wire is determined by an equation that is linear in it alone; a set of booleans by
 * their sum with distinct powers of two; the result of `IsZero` by its two equations (its inverse is free where the value is zero).
 */
export function undetermined({ wires, constraints }: R1cs, known: readonly number[]): number[] {
  const sure = new Set([0, ...known]);
  const entries = (row: Row): [number, bigint][] => row.wires.map((x, i) => [x, row.coefficients[i] as bigint]);
  const open = (row: Row): [number, bigint][] => entries(row).filter(([x]) => !sure.has(x));
  const booleans = new Set(constraints.flatMap(([a, b, c]) => (c.wires.length > 0 ? [] : (booleanOf(a, b) ?? booleanOf(b, a) ?? []))));
  for (let grew = true; grew; ) {
    const before = sure.size;
    for (const [a, b, c] of constraints) {
      const [oa, ob, oc] = [open(a), open(b), open(c)];
      if (oa.length === 0 && ob.length === 0 && oc.length === 1) sure.add((oc[0] as [number, bigint])[0]);
      const linear = a.wires.length === 0 || b.wires.length === 0;
      if (linear && oc.length > 1 && oc.every(([x]) => booleans.has(x))) {
        const powers = oc.map(([, k]) => (k > R / 2n ? R - k : k)).sort((p, q) => (p < q ? -1 : 1));
        const signs = new Set(oc.map(([, k]) => k > R / 2n));
        const distinct =
          powers.every((p, i) => (i === 0 ? true : p >= 2n * (powers[i - 1] as bigint))) && (powers.at(-1) as bigint) < 2n ** 200n;
        if (distinct && signs.size === 1) for (const [x] of oc) sure.add(x);
      }
      // v·out = 0 with v known: then v·inverse = 1 − out decides out
      if (oa.length === 0 && ob.length === 1 && oc.length === 0 && c.wires.length === 0) {
        const out = (ob[0] as [number, bigint])[0];
        const partner = constraints.some(
          ([p, q, s]) => sameRow(p, a) && open(q).length === 1 && open(s).length === 1 && s.wires.includes(out),
        );
        if (partner) sure.add(out);
      }
    }
    grew = sure.size > before;
  }
  const used = new Set(constraints.flatMap((rows) => rows.flatMap((r) => r.wires)));
  return Array.from({ length: wires }, (_, i) => i).filter((x) => used.has(x) && !sure.has(x));
}

/** The wire x of x·(x − 1), or null. */
function booleanOf(x: Row, y: Row): number | null {
  const wire = x.wires.length === 1 ? x.wires[0] : undefined;
  const [one, self] = [y.wires.indexOf(0), wire === undefined ? -1 : y.wires.indexOf(wire)];
  if (wire === undefined || y.wires.length !== 2 || one < 0 || self < 0) return null;
  return mod((y.coefficients[one] as bigint) + (y.coefficients[self] as bigint)) === 0n ? wire : null;
}

const sameRow = (p: Row, q: Row): boolean => {
  const text = (r: Row): string =>
    r.wires
      .map((x, i) => `${x}:${r.coefficients[i]}`)
      .sort()
      .join();
  const negated = (r: Row): string =>
    r.wires
      .map((x, i) => `${x}:${mod(-(r.coefficients[i] as bigint))}`)
      .sort()
      .join();
  return text(p) === text(q) || negated(p) === text(q);
};
