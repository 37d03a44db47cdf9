/** CometBFT's times: nanoseconds since 1970 as a bigint, and RFC 3339 text with up to nine digits of a second. */

const BILLION = 1_000_000_000n;

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719_468;
}

function dateOf(days: number): [number, number, number] {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const day = doy - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  return [yoe + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

/** Nanoseconds since 1970 of `2026-01-02T03:04:05.000000006Z`, or null for other text. */
export function parseTime(text: string): bigint | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/.exec(text);
  if (m === null) return null;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const days = daysOf(year, month, day);
  const [y, mo, d] = dateOf(days);
  if (y !== year || mo !== month || d !== day || hour > 23 || minute > 59 || second > 59) return null;
  return BigInt(days * 86_400 + hour * 3600 + minute * 60 + second) * BILLION + BigInt((m[7] ?? '').padEnd(9, '0'));
}

/** The text of a time, as CometBFT writes it: no trailing zeros. */
export function showTime(nanos: bigint): string {
  const seconds = Number((nanos - mod(nanos, BILLION)) / BILLION);
  const [year, month, day] = dateOf(Math.floor(seconds / 86_400));
  const rest = ((seconds % 86_400) + 86_400) % 86_400;
  const two = (n: number): string => String(n).padStart(2, '0');
  const fraction = String(mod(nanos, BILLION)).padStart(9, '0').replace(/0+$/, '');
  const clock = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}${fraction === '' ? '' : `.${fraction}`}Z`;
}

const mod = (n: bigint, m: bigint): bigint => ((n % m) + m) % m;

/** Seconds and nanoseconds, as protobuf has them. */
export const timestampOf = (nanos: bigint): { readonly seconds: bigint; readonly nanos: number } => ({
  seconds: (nanos - mod(nanos, BILLION)) / BILLION,
  nanos: Number(mod(nanos, BILLION)),
});
