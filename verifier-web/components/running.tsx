import { useEffect, useState } from 'preact/hooks';

/**
 * Work that takes long enough to be seen: time, and a way out. How far a single check is, nobody knows before it ends, so its bar moves
 * without saying; of several, `done` of `total` are through.
 */
export function Running(props: { title: string; what: string; done?: number; total?: number; onCancel: () => void }) {
  const { title, what, done, total, onCancel } = props;
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
        {seconds > 0 ? `, ${seconds} s` : ''}
      </p>
      <button type="button" id="cancel" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}
