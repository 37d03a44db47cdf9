/** Peak memory of this process. */
import { readFileSync } from 'node:fs';

/**
 * Resident bytes at the peak; Node itself has some 45 MB. Linux hands the `maxRSS` of a parent down to its children, so what it says of this
 * process alone comes first.
 */
export function peak(): number {
  try {
    return 1024 * Number((/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) as RegExpExecArray)[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}
