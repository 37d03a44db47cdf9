/**
 * What conformance files use of vitest, for a worker in a browser: tests are gathered, then run in order, and told. Only what those files
 * use is here; anything else throws when it is called.
 */
type Body = () => void | Promise<void>;

export interface Told {
  readonly name: string;
  /** Null where it passed. */
  readonly error: string | null;
}

const gathered: { name: string; body: Body }[] = [];
const path: string[] = [];

export function describe(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}

/** `%i`, `%j` and `%s` of a title, filled with the arguments in order. */
function title(text: string, args: readonly unknown[]): string {
  let k = 0;
  return text.replace(/%[ijs]/g, () => {
    const value = args[k++];
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function one(name: string, body: Body): void {
  gathered.push({ name: [...path, name].join(' > '), body });
}

export const it = Object.assign(one, {
  each:
    (cases: readonly unknown[]) =>
    (name: string, body: (...args: never[]) => void | Promise<void>): void => {
      for (const c of cases) {
        const args = Array.isArray(c) ? c : [c];
        one(title(name, args), () => body(...(args as never[])));
      }
    },
});

const sameNumber = (a: unknown, b: unknown): boolean => Object.is(a, b);

/** Equal in kind, length and every member. */
function equal(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return sameNumber(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((k) => Object.hasOwn(y, k) && equal(x[k], y[k]));
}

const show = (v: unknown): string => (JSON.stringify(v) ?? String(v)).slice(0, 200);

interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toBeLessThan(expected: number): void;
}

function expectation(actual: unknown): Expectation {
  const check = (ok: boolean, relation: string, expected: unknown): void => {
    if (!ok) throw new Error(`expected ${show(actual)} ${relation} ${show(expected)}`);
  };
  return {
    toBe: (expected) => check(Object.is(actual, expected), 'to be', expected),
    toEqual: (expected) => check(equal(actual, expected), 'to equal', expected),
    toBeLessThan: (expected) => check((actual as number) < expected, 'to be less than', expected),
  };
}

export const expect = Object.assign(expectation, {
  fail: (message: string): never => {
    throw new Error(message);
  },
});

export async function runGathered(): Promise<Told[]> {
  const told: Told[] = [];
  for (const { name, body } of gathered.splice(0)) {
    try {
      await body();
      told.push({ name, error: null });
    } catch (e) {
      told.push({ name, error: e instanceof Error ? (e.stack ?? e.message) : String(e) });
    }
  }
  return told;
}
