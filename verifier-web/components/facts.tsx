import type { Trust } from '../../protocol/trust.ts';
import { duration, short, size } from '../format.ts';
import type { Report } from '../messages.ts';
import { bitsInWords } from '../trust.ts';

/** The figures of a check: what anybody asks first. */
export function Facts({ report, trust, model }: { report: Report; trust?: Trust; model?: string }) {
  const [figure, how] = trust === undefined ? [] : bitsInWords(trust);
  return (
    <dl class="facts">
      {figure !== undefined && (
        <div>
          <dt>Security</dt>
          <dd>
            {figure} {how !== '' && <small>{how}</small>}
          </dd>
        </div>
      )}
      {model !== undefined && (
        <div>
          <dt>Model</dt>
          <dd>
            <code title={model}>{short(model)}</code>
          </dd>
        </div>
      )}
      <div>
        <dt>Checked in</dt>
        <dd>{duration(report.milliseconds)}</dd>
      </div>
      <div>
        <dt>Proof</dt>
        <dd>{size(report.proofBytes)}</dd>
      </div>
      <div>
        <dt>Key</dt>
        <dd>{size(report.keyBytes)}</dd>
      </div>
      {report.kernels !== null && (
        <div>
          <dt>Kernels</dt>
          <dd>{report.kernels}</dd>
        </div>
      )}
    </dl>
  );
}
