/**
 * One line of progress on stderr: stage, percent, time left. Only on a terminal; a pipe or a log file sees nothing.
 */
import type { Progress } from './library.ts';

export interface ProgressLine {
  update(progress: Progress): void;
  /** Clears the line, so that the next one starts at the left. */
  end(): void;
}

export function progressLine(what: string, stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  if (!stream.isTTY) return { update() {}, end() {} };
  const started = performance.now();
  let drawn = '';
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(progress) {
      const now = performance.now();
      if (now - last < 80 && progress.fraction < 1) return;
      last = now;
      drawn = progressText(what, progress, (now - started) / 1000, stream.columns || 80);
      stream.write(`\r\x1b[K${drawn}`);
    },
    end() {
      if (drawn) stream.write('\r\x1b[K');
      drawn = '';
    },
  };
}

/** Exported for its test: the line after `seconds` of work, cut to `width` columns. */
export function progressText(what: string, { stage, fraction }: Progress, seconds: number, width: number): string {
  const done = Math.min(1, Math.max(0, fraction));
  const bar = '█'.repeat(Math.round(done * 20)).padEnd(20, '░');
  const left = done > 0.02 && done < 1 && seconds > 0.5 ? `, ${duration((seconds * (1 - done)) / done)} left` : '';
  return `${what} ${bar} ${String(Math.floor(done * 100)).padStart(3)} % ${stage}${left}`.slice(0, Math.max(0, width - 1));
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
