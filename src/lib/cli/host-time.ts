import { ProloError } from '../errors.ts';

/**
 * `2026-05-02 14:03:22`, in this host's zone, as operators write times and as its journal has them.
 * @param iso ISO 8601
 */
export function hostTime(iso: string): string {
  const at = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}

/**
 * `2026-05-02 14:03:22 +02:00`, or `… UTC`: in this host's zone too, and unmistakable where it is read on another host.
 * @param iso ISO 8601
 */
export function zonedTime(iso: string): string {
  const minutes = -new Date(iso).getTimezoneOffset();
  if (minutes === 0) return `${hostTime(iso)} UTC`;
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  const [size, sign] = [Math.abs(minutes), minutes < 0 ? '-' : '+'];
  return `${hostTime(iso)} ${sign}${two(size / 60)}:${two(size % 60)}`;
}

/**
 * A time as an operator writes it, in this host's zone: `14:30`, of today; `2026-05-02 14:30`; or ISO 8601.
 * @throws ProloError `bad-input`
 */
export function parseTime(text: string, now: Date): string {
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  const time = clock
    ? new Date(now.getFullYear(), now.getMonth(), now.getDate(), ...(clock.slice(1).map((part) => Number(part ?? 0)) as [number, number, number])) // prettier-ignore
    : new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text.replace(' ', 'T') : NaN);
  const inRange = !clock || (Number(clock[1]) < 24 && Number(clock[2]) < 60 && Number(clock[3] ?? 0) < 60);
  if (Number.isNaN(time.getTime()) || !inRange)
    throw new ProloError('bad-input', `time ${text}: not a time`, {
      hint: 'such as 14:30, "2026-05-02 14:30", or 2026-05-02T12:30:00Z',
    });
  return time.toISOString();
}
