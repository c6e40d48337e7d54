import { printable } from '../cli/table.ts';
import type { FeedName } from '../store/change-log.ts';
import type { Kind } from './apply.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a person looks for in a record, in this order; the first names it. */
const SHOWN: Record<FeedName, readonly string[]> = {
  mdb: ['hostname', 'ip', 'mac', 'mtype', 'room', 'aliases'],
  udb: ['login', 'uid', 'group', 'firstname', 'lastname'],
  presence: ['login', 'hostname'],
  rfs: ['rfs', 'version'],
  contest: ['name', 'epoch', 'starts_at', 'ends_at', 'changed_by'],
};

/** Known to have changed, not shown. */
const HIDDEN: ReadonlySet<string> = new Set(['password']);

/** A change as a person reads it, on one line: `updated pas-r01p01 rfs 0→1`. */
export function describeChange(
  feed: FeedName,
  kind: Kind,
  before: Fields | undefined,
  after: Fields | undefined,
): string {
  const record = after ?? before ?? {};
  const [name = '', ...rest] = SHOWN[feed];
  if (kind !== 'updated' || !before || !after)
    return [
      kind,
      ...[name, ...rest]
        .map((field) => record[field])
        .filter(isThere)
        .map(printable),
    ].join(' ');
  const fields = Object.keys({ ...before, ...after }).filter((field) => before[field] !== after[field]);
  const changes = fields.map((field) =>
    HIDDEN.has(field)
      ? `${field} changed`
      : `${field} ${shorten(printable(before[field]))}→${shorten(printable(after[field]))}`,
  );
  return `${kind} ${printable(before[name])} ${changes.join(', ')}`;
}

function isThere(value: unknown): boolean {
  return value !== '' && value !== undefined && value !== null;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
