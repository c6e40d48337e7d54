import type { Policy } from '../firewall/allowed.ts';
import type { Config, Group } from '../site/schema.ts';

/** Who reaches the internet while the contest runs: those who otherwise do, without contestants and their machines. */
export function contestPolicy({ firewall, contest }: Pick<Config, 'firewall' | 'contest'>): Policy {
  return {
    addresses: firewall.addresses,
    groups: firewall.groups.filter((group) => !contest.groups.includes(group)),
    mtypes: firewall.mtypes.filter((mtype) => !contest.mtypes.includes(mtype)),
  };
}

/** Whether a contest concerns people of that group. */
export const isContestant = ({ contest }: Pick<Config, 'contest'>, group: string): boolean =>
  contest.groups.includes(group as Group);
