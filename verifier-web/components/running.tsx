import { useEffect, useState } from 'preact/hooks';
import type { ProgressOf } from '../messages.ts';

/** Work that takes long enough to be seen: what it is at, time, and a way out. Of several checks, `done` of `total` are through. */
export function Running(props: {
  title: string;
  what: string;
  progress?: ProgressOf | null;
  done?: number;
  total?: number;
  onCancel: () => void;
}) {
  const { title, what, progress, onCancel } = props;
  const { done = progress?.fraction, total = progress ? 1 : undefined } = props;
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const started = performance.now();
    const timer = setInterval(() => setSeconds(Math.floor((performance.now() - started) / 1000)), 250);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="running">
      <h2 class="headline">{title}</h2>
      <progress aria-label={title} value={done} max={total} />
      <p>
        {what}
        {progress ? `: ${progress.stage}` : ''}
        {seconds > 0 ? `, ${seconds} s` : ''}
      </p>
      <button type="button" id="cancel" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}
