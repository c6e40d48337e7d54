import { followContest } from '../lib/contest/follow.ts';
import { contestPolicy } from '../lib/contest/internet.ts';
import type { Phase } from '../lib/contest/mode.ts';
import { followFeed } from '../lib/feed/client.ts';
import { type Known, NOBODY, type Policy, splitAllowed } from '../lib/firewall/allowed.ts';
import { createKeeper } from '../lib/firewall/keeper.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { repeat } from '../lib/repeat.ts';
import { serviceUrl } from '../lib/site/site.ts';

const CHECK_MS = 30_000;
const RENEW_MS = 10_000;

/**
 * Lets those through to the internet who may, from where they sit, as long as they sit there. Ended, it leaves the last word, but for
 * those whom a contest would shut out: nobody would tell nftables of one.
 */
export const start: StartDaemon = async ({ site, log }) => {
  const { config } = site;
  const keeper = await createKeeper(config, log);
  const duringContest = contestPolicy(config);
  // A site that was made before goes on without contests; any other has nobody let out until it is known whether one runs.
  const hasContests = site.hasSecret('contestsync.subscribe');
  let policy: Policy | undefined = hasContests ? undefined : config.firewall;
  const known: Known = { machines: undefined, users: undefined, sessions: undefined };
  const decide = (): void => keeper.want(policy ? splitAllowed(known, policy, duringContest) : NOBODY);
  const ended = new AbortController();
  const follow = <K extends keyof Known>(
    what: K,
    service: 'mdbsync' | 'udbsync' | 'presencesync',
    pk: string,
    watch: string[],
  ): Promise<void> =>
    followFeed({
      url: serviceUrl(config, service),
      secret: site.secret(`${service}.subscribe`),
      pk,
      watch: new Set(watch),
      onLine(state, changes) {
        const first = known[what] === undefined;
        known[what] = state as unknown as Known[K];
        if (first || changes.size > 0) decide();
      },
      signal: ended.signal,
      log,
    });
  const apply = async (phase: Phase): Promise<void> => {
    policy = phase === 'on' ? duringContest : config.firewall;
    decide();
    await keeper.settled();
  };
  if (!hasContests) log.warn('firewall: the site has no secret contestsync.subscribe: it follows no contest');
  const following = [
    follow('machines', 'mdbsync', 'mac', ['hostname', 'ip', 'mtype']),
    follow('users', 'udbsync', 'login', ['group']),
    follow('sessions', 'presencesync', 'login', ['hostname']),
    ...(hasContests ? [followContest({ site, consumer: 'firewall', apply, signal: ended.signal, log })] : []),
  ];
  const checking = repeat(
    CHECK_MS,
    () => Promise.resolve(keeper.check()),
    () => undefined,
  );
  const renewing = setInterval(() => keeper.renew(), RENEW_MS);
  return {
    async close() {
      ended.abort();
      checking.stop();
      clearInterval(renewing);
      await Promise.all(following);
      await keeper.close();
    },
  };
};
