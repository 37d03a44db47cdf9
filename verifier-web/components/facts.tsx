import { duration, short, size } from '../format.ts';
import type { Report } from '../messages.ts';

/** The figures of a check: what anybody asks first. */
export function Facts({ report, bits, model }: { report: Report; bits?: number; model?: string }) {
  return (
    <dl class="facts">
      {bits !== undefined && (
        <div>
          <dt>Security</dt>
          <dd>{bits.toFixed(1)} bits</dd>
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
      <div>
        <dt>Kernels</dt>
        <dd>{report.kernels}</dd>
      </div>
    </dl>
  );
}
