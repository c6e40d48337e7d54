import { asProloError } from '../../errors.ts';
import { FEEDS } from '../../feed/tail.ts';
import { followFeed } from '../../feed/client.ts';
import { silentLog } from '../../log.ts';
import { listMachines } from '../../mdb/machines.ts';
import { toRecord } from '../../mdb/record.ts';
import { listPresence } from '../../presence/table.ts';
import { listBoots } from '../../rfs/table.ts';
import { serviceUrl } from '../../site/site.ts';
import { listUsers } from '../../udb/users.ts';
import type { Tx } from '../../store/store.ts';
import { check, type Finding, green, NotChecked, type Patient, red } from '../check.ts';
import { unitOf } from './services.ts';

type FeedName = 'mdb' | 'udb' | 'presence' | 'rfs';

export interface FeedFacts {
  service: string;
  records: number;
  /** Names of records that the feed has otherwise than the database, for as long as we waited. */
  differ: string[];
  trouble?: string;
  hint?: string;
}

/** A feed is told of a change within a second, or not at all. */
const WAIT_MS = 2_500;

const READ: Record<FeedName, (tx: Tx) => Promise<object[]>> = {
  mdb: async (tx) => (await listMachines(tx)).map(toRecord),
  udb: listUsers,
  presence: async (tx) => (await listPresence(tx)).map(({ login, hostname }) => ({ login, hostname })),
  rfs: listBoots,
};

/** What each feed tells is what the database has, a moment later at most. */
export const feeds = check({
  name: 'feeds',
  subject: 'feeds say what the database has',
  async gather(patient: Patient): Promise<FeedFacts[]> {
    const store = await patient.store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    const names = Object.keys(READ) as FeedName[];
    return Promise.all(
      names.map((feed) => followOne(patient, feed, () => READ[feed](store.knex as unknown as Tx))),
    );
  },
  decide(facts: FeedFacts[]) {
    const found = facts.flatMap(({ service, records, differ, trouble, hint }): Finding[] => {
      const restart = `systemctl restart ${unitOf(service)}`;
      if (trouble !== undefined) return [red(`${service}: ${trouble}`, hint ?? restart)];
      if (differ.length === 0) return [];
      const some = differ.length > 3 ? `${differ.slice(0, 3).join(', ')}…` : differ.join(', ');
      return [
        red(`${service}: not as in the database, of ${records} records ${differ.length}: ${some}`, restart),
      ];
    });
    return found.length > 0
      ? found
      : [green(facts.map(({ service, records }) => `${service} ${records}`).join(', '))];
  },
});

async function followOne(
  { site, signal }: Patient,
  feed: FeedName,
  read: () => Promise<object[]>,
): Promise<FeedFacts> {
  const { service, pk, secret } = FEEDS[feed];
  const key = site.secret(secret);
  const ended = new AbortController();
  const limit = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(WAIT_MS)]);
  let facts: FeedFacts = { service, records: 0, differ: [], trouble: `silent for ${WAIT_MS / 1000} s` };
  let known: ReadonlyMap<string, object> | undefined;
  const compare = async (): Promise<void> => {
    if (!known || limit.aborted) return;
    const stored = new Map(
      (await read()).map((record) => [String((record as Record<string, unknown>)[pk]), record]),
    );
    facts = { service, records: known.size, differ: differences(known, stored) };
    if (facts.differ.length === 0) ended.abort();
  };
  const looking = setInterval(() => void compare().catch(() => undefined), 500);
  await followFeed<Record<string, unknown>>({
    url: serviceUrl(site.config, service),
    secret: key,
    pk,
    signal: limit,
    log: silentLog,
    async onLine(state) {
      known = state;
      await compare();
    },
    onTrouble(error) {
      const { message, hint } = asProloError(error);
      facts = { service, records: 0, differ: [], trouble: message, ...(hint ? { hint } : {}) };
      ended.abort();
    },
  }).finally(() => clearInterval(looking));
  return facts;
}

/** Names of records that one has and the other has not, or has otherwise. */
export function differences(
  told: ReadonlyMap<string, object>,
  stored: ReadonlyMap<string, object>,
): string[] {
  const names = new Set([...told.keys(), ...stored.keys()]);
  return [...names].filter((name) => canonical(told.get(name)) !== canonical(stored.get(name)));
}

/** Whatever the order of its fields. */
function canonical(record: object | undefined): string {
  return JSON.stringify(record && Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
