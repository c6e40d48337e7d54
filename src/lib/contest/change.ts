import { parseTime } from '../cli/host-time.ts';
import { ProloError } from '../errors.ts';
import { mustBeSet } from '../hfs/named-home.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { type Facts, readFacts } from './facts.ts';
import { type ContestMode, startMode, stopMode } from './mode.ts';
import { changeMode } from './table.ts';

export interface Change {
  facts: Facts;
  /** What the row will be. */
  mode: ContestMode;
  /** Writes it, as it is decided in that moment. */
  write(): Promise<ContestMode>;
}

/**
 * What a start or a stop would do, and the doing.
 * `at` is as a person writes it, without it: at once; `homes` is the set that contestants get.
 * @throws ProloError `config` where the site has no secret for the feed, and what `startMode` throws
 */
export async function prepareChange(
  site: Site,
  store: Store,
  actor: string,
  verb: 'start' | 'stop',
  { at, homes }: { at?: string | undefined; homes?: string | undefined },
): Promise<Change> {
  if (!site.hasSecret('contestsync.subscribe') || !site.hasSecret('contestsync.publish'))
    throw new ProloError(
      'config',
      'contest: the site has no secrets contestsync.*: nobody would hear of it',
      {
        hint: '`prolo site secrets --add-missing`, then start its daemons again',
      },
    );
  if (homes !== undefined) mustBeSet(homes);
  const wish = {
    ...(at === undefined ? {} : { at: parseTime(at, new Date()) }),
    ...(homes === undefined ? {} : { homes }),
  };
  const decide = (mode: ContestMode): ContestMode =>
    (verb === 'start' ? startMode : stopMode)(mode, { now: new Date(), by: actor, ...wish });
  const facts = await readFacts(store, site.config);
  return { facts, mode: decide(facts.mode), write: () => changeMode(store, actor, decide) };
}
