/** All that is measured of one model, as steps in order: prepared and checked, then timed in Node and in Chromium, then memory. */
import { statSync } from 'node:fs';
import { MODELS } from '../scripts/recorded.ts';
import { child } from './children.ts';
import type { ChromiumBench, InBrowser } from './chromium.ts';
import type { Prepared } from './prepare.ts';
import { type Limits, type Proofs, type Verifications, WAYS, type Way } from './rounds.ts';
import { syntheticSize } from './synthetic.ts';

/** The reference proves synthetic models up to this size: above, only time would pass. */
export const REFERENCE_UP_TO = 18;

type Peaks = Partial<Record<Way | 'verify', number | null>>;

export interface Measured extends Prepared {
  readonly node: { readonly proofs: readonly Proofs[]; readonly verify: Verifications; readonly peaks: Peaks };
  /** Null where there is no Chromium, or it was not asked for. `plain` is the page without cross-origin isolation. */
  readonly chromium: {
    readonly isolated: { readonly proofs: readonly Proofs[]; readonly verify: Verifications };
    readonly plain: { readonly proofs: readonly Proofs[]; readonly verify: Verifications };
    readonly peaks: Peaks;
  } | null;
}

export interface Step {
  readonly label: string;
  /** Expected seconds, roughly. */
  readonly weight: number;
  run(): Promise<void>;
}

export interface Measurement {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Once every step has run. */
  result(): Measured;
}

/** Of the whole run: the more there is to prove, the fewer rounds there are, and at least two. */
function expected(name: string): { readonly weight: number; readonly limits: Limits } {
  const k = syntheticSize(name);
  if (k !== null) return { weight: 1 + 4 * 2 ** (k - 22), limits: { repeats: 5, budget: 2000 } };
  return { weight: 1 + statSync(`${MODELS}/${name}/model.onnx`).size / 1e6, limits: { repeats: 7, budget: 5000 } };
}

/** `folder` is the subject's folder, which the browsers read from too: steps of one model at a time. */
export function measurement(name: string, folder: string, repeats: number, browser: ChromiumBench | null): Measurement {
  const { weight, limits: usual } = expected(name);
  const limits = { ...usual, repeats: Math.min(usual.repeats, repeats) };
  const k = syntheticSize(name);
  const ways = k === null || k <= REFERENCE_UP_TO ? WAYS : WAYS.filter((w) => w !== 'reference');
  const verifies = 3 * repeats;
  const steps: Step[] = [];
  const step = (what: string, seconds: number, run: () => Promise<void>): void => {
    steps.push({ label: `${name}: ${what}`, weight: seconds, run });
  };
  const got: { prepared?: Prepared; node?: Proofs[]; verify?: Verifications } = {};
  const peaks: Peaks = {};
  const chromium: {
    isolated?: InBrowser<Proofs[]>;
    isolatedVerify?: InBrowser<Verifications>;
    plain?: InBrowser<Proofs[]>;
    plainVerify?: InBrowser<Verifications>;
  } = {};
  const browserPeaks: Peaks = {};

  step('compile and check', 2 * weight, async () => {
    got.prepared = await child('prepare', { name, folder, repeats });
  });
  step('prove in Node', 4 * weight, async () => {
    got.node = await child('prove', { folder, ways, limits });
  });
  step('verify in Node', 0.5, async () => {
    const { peak, ...verify } = await child('verify', { folder, repeats: verifies });
    got.verify = verify;
    peaks.verify = peak;
  });
  for (const way of ways)
    step(`memory in Node, ${way}`, 0.7 * weight, async () => {
      peaks[way] = await child('memory', { folder, way });
    });
  if (browser !== null) {
    step('prove in Chromium', 4 * weight, async () => {
      chromium.isolated = await browser.prove(true, { task: 'prove', ways, limits });
    });
    step('prove in Chromium, not isolated', 2 * weight, async () => {
      chromium.plain = await browser.prove(false, { task: 'prove', ways: ['wasm'], limits });
    });
    step('verify in Chromium', 1, async () => {
      chromium.isolatedVerify = await browser.verify(true, { task: 'verify', repeats: verifies });
      chromium.plainVerify = await browser.verify(false, { task: 'verify', repeats: verifies });
      browserPeaks.verify = chromium.plainVerify.peak;
    });
    for (const way of ways)
      step(`memory in Chromium, ${way}`, weight, async () => {
        browserPeaks[way] = (await browser.prove(true, { task: 'prove', ways: [way], limits: { repeats: 0, budget: 0 } })).peak;
      });
  }
  return {
    name,
    steps,
    result() {
      const { prepared, node, verify } = got as Required<typeof got>;
      const c = chromium as Required<typeof chromium>;
      return {
        ...prepared,
        node: { proofs: node, verify, peaks },
        chromium:
          browser === null
            ? null
            : {
                isolated: { proofs: c.isolated.answer, verify: c.isolatedVerify.answer },
                plain: { proofs: c.plain.answer, verify: c.plainVerify.answer },
                peaks: browserPeaks,
              },
      };
    },
  };
}
