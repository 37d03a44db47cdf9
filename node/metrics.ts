/** Figures for Prometheus (`GET /metrics`). */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly answers: Counter<'model'>;
  readonly refusals: Counter<'code'>;
  readonly jobs: Counter<'state'>;
  readonly answerSeconds: Histogram<'model'>;
  readonly proofSeconds: Histogram<never>;
  readonly waiting: Gauge<never>;
  readonly height: Gauge<never>;
}

export function openMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    answers: new Counter({ name: 'assay_answers_total', help: 'Orders answered with a receipt.', labelNames: ['model'], registers }),
    refusals: new Counter({ name: 'assay_refusals_total', help: 'Requests refused, by code.', labelNames: ['code'], registers }),
    jobs: new Counter({ name: 'assay_jobs_total', help: 'Jobs that ended, by how.', labelNames: ['state'], registers }),
    answerSeconds: new Histogram({
      name: 'assay_answer_seconds',
      help: 'From request to answer.',
      labelNames: ['model'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    }),
    proofSeconds: new Histogram({
      name: 'assay_proof_seconds',
      help: 'Making one proof.',
      buckets: [0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    }),
    waiting: new Gauge({ name: 'assay_jobs_waiting', help: 'Jobs in the queue that are not over.', registers }),
    height: new Gauge({ name: 'assay_chain_height', help: 'Newest block seen.', registers }),
  };
}
