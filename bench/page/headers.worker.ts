/** Checks a signed header again and again, in a worker of the page. */
import { Json, readCommit, readHeader, readValidators } from '../../chain/comet/json.ts';
import { checkSigned } from '../../chain/light/verify.ts';
import type { HeadersOrder } from './order.ts';
import { file, serve } from './worker.ts';

serve<HeadersOrder>(async ({ repeats }) => {
  const told = new Json(await (await file('header.json')).json());
  const block = {
    header: readHeader(told.get('header')),
    commit: readCommit(told.get('commit')),
    validators: readValidators(told.get('validators')),
  };
  return Array.from({ length: repeats }, () => {
    const started = performance.now();
    if (checkSigned(block) !== 100) throw new Error('the header is not signed by its whole set');
    return performance.now() - started;
  });
});
