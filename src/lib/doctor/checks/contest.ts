import { readFacts } from '../../contest/facts.ts';
import { type ConsumerStatus, type ContestStatus, judgeContest } from '../../contest/status.ts';
import { check, type Finding, green, NotChecked, type Patient, red, yellow } from '../check.ts';

/** Whoever has to do what the contest wants, and has not. */
export const contest = check({
  name: 'contest',
  subject: 'consumers have done what the contest wants',
  async gather({ site, store, mdb, now }: Patient): Promise<ContestStatus> {
    await mdb();
    const opened = await store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    return judgeContest(await readFacts(opened, site.config), new Date(now()));
  },
  decide: judgeConsumers,
});

const WORDS: Record<Exclude<ConsumerStatus['state'], 'ok'>, string> = {
  lags: 'has not done it yet',
  failed: 'cannot do it',
  silent: 'has said nothing for a minute',
  'never heard': 'has never said that it is there',
};

export function judgeConsumers({ phase, consumers }: ContestStatus): Finding[] {
  const found = consumers.flatMap(({ consumer, state, problem }): Finding[] => {
    if (state === 'ok') return [];
    // Nobody needs one that a site has not got, as long as there is no contest.
    const say = phase === 'off' && (state === 'never heard' || state === 'silent') ? yellow : red;
    const unit = `prolo-${consumer === 'units' ? 'contest' : consumer}`;
    return [
      say(
        `contest ${phase}: ${consumer} ${WORDS[state]}${problem ? `: ${problem}` : ''}`,
        `prolo contest status; systemctl restart ${unit}; journalctl -u ${unit}`,
      ),
    ];
  });
  if (found.length > 0) return found;
  return [
    green(`contest ${phase}: ${consumers.map(({ consumer }) => consumer).join(', ') || 'nobody'} follows`),
  ];
}
