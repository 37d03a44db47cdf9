import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { LedgerTensor } from '../../chain/tensors.ts';
import { FIELDS, type Inputs, inputsOf } from '../chain/address.ts';
import type { ChainReport } from '../chain/messages.ts';
import { Watch, type WatchState } from '../chain/watch.ts';
import { sentence } from '../format.ts';
import { Copy } from './copy.tsx';
import { Explorer } from './explorer.tsx';
import { Lamps } from './lamps.tsx';
import { type Drawn, TensorView } from './tensor.tsx';
import '../chain/chain.css';

/** The chain view: what this page can say of a job on a chain, and what a node says of the chain. */
export function ChainView() {
  const [watch] = useState(() => new Watch());
  const [state, setState] = useState(watch.state);
  useLayoutEffect(() => {
    const end = watch.subscribe(() => setState(watch.state));
    watch.open();
    return () => {
      end();
      watch.close();
    };
  }, [watch]);
  useEffect(() => {
    const before = document.title;
    document.title = 'Assay: look at a chain';
    return () => {
      document.title = before;
    };
  }, []);
  const { report, figures, at } = state;
  const chainId = report?.chainId ?? (figures !== null && typeof figures === 'object' ? figures.chainId : null);
  return (
    <>
      <div class={state.inputs.node === '' ? 'intro' : 'intro brief'}>
        <h1>Look at a chain</h1>
        <p>
          Jobs are settled on a chain. This page follows it from a checkpoint, opens a job’s record, and checks the proof itself. The node
          it asks is not trusted.
        </p>
      </div>
      <Form watch={watch} state={state} />
      {chainId?.startsWith('devnet-') && (
        <p class="note" id="devnet">
          <b>{chainId}</b> is a devnet: one validator on one machine, for trying things out. Nothing on it has a value.
        </p>
      )}
      <section id="verdict" class="lamp-view" tabIndex={-1} aria-label="What this page checked">
        <Status watch={watch} state={state} />
        {report !== null && (
          <>
            <h2 class="heading">
              Checked here <small>four answers, each by itself</small>
            </h2>
            <Lamps lamps={report.lamps} />
            <Trust watch={watch} state={state} report={report} />
            <JobFacts report={report} />
          </>
        )}
      </section>
      {at !== 'idle' && figures !== null && <Explorer figures={figures} inputs={state.inputs} />}
    </>
  );
}

/** Short fields on the left, long ones on the right. */
const SHOWN = ['node', 'checkpoint', 'model', 'job', 'answer'] as const;
const LABELS: Readonly<Record<keyof Inputs, { readonly label: string; readonly hint: string }>> = {
  node: { label: 'Node', hint: 'http://127.0.0.1:26657' },
  checkpoint: { label: 'Checkpoint', hint: 'empty: trust a block that the node shows' },
  job: { label: 'Job', hint: '64 hexadecimal digits' },
  model: { label: 'Model you expect', hint: 'any' },
  answer: {
    label: 'Answer you were given',
    hint: 'the output that an inference node sent, in hexadecimal; empty: the one that was proven is shown',
  },
};

function Form({ watch, state }: { watch: Watch; state: WatchState }) {
  const ref = useRef<HTMLFormElement>(null);
  const field = (name: keyof Inputs): HTMLInputElement | undefined => {
    const element = ref.current?.elements.namedItem(name);
    return element instanceof HTMLInputElement ? element : undefined;
  };
  // Before anybody can type.
  useLayoutEffect(() => {
    for (const name of FIELDS) {
      const input = field(name);
      if (input !== undefined) input.value = state.inputs[name];
    }
  }, [state.inputs]);
  return (
    <form
      class="ask"
      ref={ref}
      onSubmit={(e) => {
        e.preventDefault();
        const inputs = inputsOf((f) => field(f)?.value ?? '');
        watch.ask({ ...inputs, node: inputs.node === '' ? LABELS.node.hint : inputs.node });
      }}
    >
      {SHOWN.map((name) => {
        const wrong = state.trouble?.field === name;
        return (
          <label key={name} class={name === 'answer' ? 'whole' : undefined}>
            <span>{LABELS[name].label}</span>
            <input
              name={name}
              id={`ask-${name}`}
              placeholder={LABELS[name].hint}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              inputMode={name === 'node' ? 'url' : 'text'}
              aria-invalid={wrong}
              aria-describedby={wrong ? 'ask-trouble' : undefined}
            />
          </label>
        );
      })}
      {state.trouble !== null && (
        <p id="ask-trouble" class="stranger" role="alert">
          {state.trouble.text}
        </p>
      )}
      <div class="row">
        <button type="submit" class="primary">
          Look
        </button>
        <label class="keep">
          <input type="checkbox" id="keep" checked={state.kept} onChange={(e) => watch.keep(e.currentTarget.checked)} /> Keep the checkpoint
          on this machine
        </label>
      </div>
    </form>
  );
}

/** A line about what goes on, with a way out. */
function Status({ watch, state: { at, doing, inputs } }: { watch: Watch; state: WatchState }) {
  if (at === 'idle') return null;
  if (at === 'failed')
    return (
      <p class="note bad" id="chain-failed">
        This is a failure of the page, not of the chain. {sentence(doing)}{' '}
        <button type="button" onClick={() => watch.again()}>
          Look again
        </button>
      </p>
    );
  return (
    <div class="row watching" data-at={at}>
      {at === 'looking' && <progress aria-label="Looking" />}
      <span role="status">
        {at === 'looking'
          ? sentence(doing)
          : at === 'stopped'
            ? 'Stopped. Nothing below is renewed.'
            : `Asking ${inputs.node} every few seconds`}
      </span>
      {at === 'stopped' ? (
        <button type="button" onClick={() => watch.again()}>
          Look again
        </button>
      ) : (
        <button type="button" id="stop" onClick={() => watch.stop()}>
          {at === 'looking' ? 'Cancel' : 'Stop'}
        </button>
      )}
    </div>
  );
}

/** What the Chain lamp rests on. */
function Trust({ watch, state, report }: { watch: Watch; state: WatchState; report: ChainReport }) {
  if (state.inputs.checkpoint !== '')
    return state.origin === 'address' ? (
      <p class="trust" id="trust-begins">
        The checkpoint came with the address of this page: it is the word of whoever made the link. Compare it with one you know.
      </p>
    ) : null;
  if (report.checkpoint === null) return null;
  return (
    <div class="trust" id="trust-begins">
      <p>
        No checkpoint: trust begins with this block as the node shows it. A node that made up a whole chain would look the same. Compare
        this block with what others see, then pin it:
      </p>
      <p class="hash">{report.checkpoint}</p>
      <div class="row">
        <button type="button" id="pin" onClick={() => watch.pin()}>
          Pin this block
        </button>
        <Copy label="Copy it" text={() => report.checkpoint ?? ''} />
      </div>
    </div>
  );
}

function JobFacts({ report: { job, proven } }: { report: ChainReport }) {
  if (job === null) return null;
  return (
    <article class="card" id="job">
      <h2>{job.state}</h2>
      <dl class="job-facts">
        {job.rows.map(({ term, text, code }) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{code ? <code>{text}</code> : text}</dd>
          </div>
        ))}
      </dl>
      {proven !== null && (
        <div class="io">
          <div>
            <h3>Proven input</h3>
            {proven.input.map((t) => (
              <TensorView key={t.name} tensor={readable(t)} />
            ))}
          </div>
          <div>
            <h3>Proven output</h3>
            {proven.output.map((t) => (
              <TensorView key={t.name} tensor={readable(t)} scores />
            ))}
          </div>
        </div>
      )}
    </article>
  );
}

/** Little-endian bytes as numbers. */
function readable({ name, dtype, shape, data }: LedgerTensor): Drawn {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const each = <T,>(bytes: number, at: (i: number) => T): T[] => Array.from({ length: data.length / bytes }, (_, i) => at(i * bytes));
  switch (dtype) {
    case 'int8':
      return { name, dtype, shape, data: Int8Array.from(each(1, (i) => view.getInt8(i))) };
    case 'uint8':
      return { name, dtype, shape, data: Uint8Array.from(data) };
    case 'int16':
      return { name, dtype, shape, data: Int32Array.from(each(2, (i) => view.getInt16(i, true))) };
    case 'int32':
      return { name, dtype, shape, data: Int32Array.from(each(4, (i) => view.getInt32(i, true))) };
    case 'int64':
      return { name, dtype, shape, data: BigInt64Array.from(each(8, (i) => view.getBigInt64(i, true))) };
  }
}
