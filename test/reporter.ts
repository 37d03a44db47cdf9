/**
 * vitest's default reporter, with a last line that a machine can read: `N passed, N failed`.
 *
 * A file that does not load, a failed hook of a suite and an error outside of any test count as failed: nothing that went wrong can hide
 * behind zero failed tests. What was not run is said before, with the reason if the test gave one (`context.skip(reason)`).
 */
import { DefaultReporter, type TestCase, type TestModule, type TestRunEndReason, type TestSuite } from 'vitest/node';

type Errors = Parameters<DefaultReporter['onTestRunEnd']>[1];

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** One line each, without the reasons' words repeated. */
  readonly notRun: readonly string[];
}

/** Counts a finished run. `errors` are those outside of any test. */
export function tally(modules: readonly TestModule[], errors: number): Tally {
  let passed = 0;
  let failed = errors;
  const notRun: string[] = [];
  const visit = (file: string, parent: TestModule | TestSuite): void => {
    failed += parent.errors().length;
    const silent: TestCase[] = [];
    for (const child of parent.children) {
      if (child.type === 'suite') {
        visit(file, child);
        continue;
      }
      const result = child.result();
      if (result.state === 'passed') passed++;
      else if (result.state === 'skipped' && result.note) notRun.push(`${file}: ${child.fullName}: ${result.note}`);
      else if (result.state === 'skipped') silent.push(child);
      else failed++; // failed, or pending because its worker died
    }
    const why = parent.errors().length > 0 ? 'its file or suite failed' : 'skipped';
    if (silent.length > 3) notRun.push(`${file}: ${silent.length} tests: ${why}`);
    else for (const test of silent) notRun.push(`${file}: ${test.fullName}: ${why}`);
  };
  for (const module of modules) {
    const before = failed;
    visit(module.relativeModuleId, module);
    if (!module.ok() && failed === before) failed++;
  }
  return { passed, failed, notRun };
}

export default class LastLine extends DefaultReporter {
  override onTestRunEnd(modules: readonly TestModule[], errors: Errors, reason: TestRunEndReason): void {
    super.onTestRunEnd(modules, errors, reason);
    const { passed, failed, notRun } = tally(modules, errors.length);
    const nothing = modules.length === 0 && errors.length === 0 ? 1 : 0;
    for (const line of notRun) process.stdout.write(`not run: ${line}\n`);
    process.stdout.write(`${passed} passed, ${failed + nothing} failed\n`);
    if (failed + nothing > 0) process.exitCode = 1;
  }
}
