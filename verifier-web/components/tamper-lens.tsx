import { useState } from 'preact/hooks';
import { DTYPES } from '../../protocol/statement.ts';
import type { Accepted } from '../../verifier/index.ts';
import { count, duration, value } from '../format.ts';
import type { Part } from '../parts.ts';
import type { Session } from '../session.ts';
import { questionOf } from '../session.ts';
import type { Check } from '../state.ts';
import { flipBit, withValue } from '../tamper.ts';
import { checkWords } from '../words.ts';

interface Attempt {
  readonly what: string;
  /** Offset in the file, where the lie has one. */
  readonly at: number | null;
  readonly result: {
    readonly word: 'refused' | 'accepted' | 'could not tell';
    readonly code: string;
    readonly sentence: string;
    readonly milliseconds: number;
  };
}

const KEPT = 60;
const SERIES = 20;

/** Change something, and see which check notices. Nothing here touches the verdict above. */
export function TamperLens({
  session,
  check,
  verdict,
  parts,
}: {
  session: Session;
  check: Check;
  verdict: Accepted;
  parts: readonly Part[];
}) {
  const file = check.proof.bytes;
  const [at, setAt] = useState(Math.floor(file.length / 2));
  const [attempts, setAttempts] = useState<readonly Attempt[]>([]);
  const [busy, setBusy] = useState(false);
  const part = partAt(parts, at);

  const tell = async (
    lies: readonly { readonly what: string; readonly at: number | null; readonly proof: Uint8Array }[],
  ): Promise<void> => {
    setBusy(true);
    for (const { proof, ...lie } of lies) {
      const result = await resultOf(session, check, proof);
      setAttempts((before) => [{ ...lie, result }, ...before].slice(0, KEPT));
      if (result.word === 'could not tell') break;
    }
    setBusy(false);
  };
  const flip = (where: number) => ({
    what: `one bit of byte ${count(where)}, ${partAt(parts, where)?.name ?? ''}`,
    at: where,
    proof: flipBit(file, where, where % 8),
  });
  const caught = attempts.filter((a) => a.result.word === 'refused').length;
  return (
    <section class="lens" aria-labelledby="lens-title">
      <h3 id="lens-title">Tamper with it</h3>
      <p>Change one thing and have it checked again. The proof above stays as it is.</p>

      <div class="strip" aria-hidden="true">
        {parts.map((p) => (
          <i key={p.name} class={p === part ? 'part here' : 'part'} style={{ flexGrow: p.length }} />
        ))}
        {attempts.map(
          (a, i) =>
            a.at !== null && <b key={attempts.length - i} class={a.result.word} style={{ left: `${(100 * a.at) / file.length}%` }} />,
        )}
      </div>
      <label class="offset">
        <span>
          Byte <b class="figure">{count(at)}</b> of {count(file.length)}: {part?.name}
        </span>
        <input id="offset" type="range" min={0} max={file.length - 1} value={at} onInput={(e) => setAt(e.currentTarget.valueAsNumber)} />
      </label>
      <div class="row">
        <button type="button" id="flip" disabled={busy} onClick={() => void tell([flip(at)])}>
          Flip a bit there
        </button>
        <button
          type="button"
          id="series"
          disabled={busy}
          onClick={() => void tell(Array.from({ length: SERIES }, () => flip(Math.floor(Math.random() * file.length))))}
        >
          Flip {SERIES} at random, one at a time
        </button>
      </div>
      <div class="lies">
        <ValueLie side="outputs" verdict={verdict} busy={busy} tell={tell} file={file} />
        <ValueLie side="inputs" verdict={verdict} busy={busy} tell={tell} file={file} />
      </div>

      {attempts.length > 0 && (
        <div class="attempts">
          <p id="caught" role="status">
            {count(attempts.length)} {attempts.length === 1 ? 'lie' : 'lies'} told, {count(caught)} refused.
          </p>
          <ol>
            {attempts.map((a, i) => (
              <li key={attempts.length - i} class={a.result.word}>
                <span class="code" title={a.result.sentence}>
                  {a.result.word === 'refused' ? a.result.code : a.result.word}
                </span>
                <span class="what">
                  {a.what}
                  <small>{a.result.word === 'refused' ? checkWords(a.result.code).rule : a.result.sentence}</small>
                </span>
                <span class="figure">{duration(a.result.milliseconds)}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
}

const partAt = (parts: readonly Part[], at: number): Part | undefined => parts.find((p) => at < p.from + p.length);

async function resultOf(session: Session, check: Check, proof: Uint8Array): Promise<Attempt['result']> {
  try {
    const { verdict, milliseconds } = await session.ask({ ...questionOf(check), proof });
    return verdict.verdict === 'refused'
      ? { word: 'refused', code: verdict.code, sentence: verdict.sentence, milliseconds }
      : { word: 'accepted', code: '', sentence: 'this change makes no difference', milliseconds };
  } catch (e) {
    return { word: 'could not tell', code: '', sentence: e instanceof Error ? e.message : String(e), milliseconds: 0 };
  }
}

interface LieProps {
  side: 'inputs' | 'outputs';
  verdict: Accepted;
  file: Uint8Array;
  busy: boolean;
  tell: (lies: readonly { readonly what: string; readonly at: number | null; readonly proof: Uint8Array }[]) => Promise<void>;
}

/** Claim another integer in the statement, and leave the proof as it is. */
function ValueLie({ side, verdict, file, busy, tell }: LieProps) {
  const tensor = (side === 'inputs' ? verdict.inputs : verdict.proven)[0];
  const [index, setIndex] = useState(0);
  const [claim, setClaim] = useState<string | null>(null);
  if (tensor === undefined || 'root' in tensor) return null;
  const now = Number(tensor.data[index] ?? 0);
  const word = side === 'inputs' ? 'input' : 'output';
  const range = Object.hasOwn(DTYPES, tensor.dtype) ? DTYPES[tensor.dtype as keyof typeof DTYPES] : null;
  const told = claim === null ? (now === range?.hi ? now - 1 : now + 1) : Number(claim);
  const good =
    range !== null && Number.isInteger(told) && told >= range.lo && told <= range.hi && told !== now && index < tensor.data.length;
  return (
    <form
      class="lie"
      onSubmit={(e) => {
        e.preventDefault();
        if (good)
          void tell([
            { what: `${word} [${index}] said to be ${told} instead of ${now}`, at: null, proof: withValue(file, side, 0, index, told) },
          ]);
      }}
    >
      <span class="label">Claim another {word}</span>
      <label>
        <span>position</span>
        <input
          type="number"
          name={`${side}-index`}
          min={0}
          max={tensor.data.length - 1}
          value={index}
          onInput={(e) => {
            setIndex(Math.min(tensor.data.length - 1, Math.max(0, e.currentTarget.valueAsNumber || 0)));
            setClaim(null);
          }}
        />
      </label>
      <span class="was">
        is <b class="figure">{value(now, 'int32')}</b>, say
      </span>
      <label>
        <span class="unseen">value to claim</span>
        <input
          type="number"
          name={`${side}-value`}
          min={range?.lo}
          max={range?.hi}
          value={told}
          onInput={(e) => setClaim(e.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={busy || !good}>
        Check that
      </button>
    </form>
  );
}
