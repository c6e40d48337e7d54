import { allowedAddresses } from '../firewall/allowed.ts';
import { labelled } from '../cli/labelled.ts';
import { foldNodeset } from '../nodeset.ts';
import type { Facts } from './facts.ts';
import { describeHomes, type HomesPlan, planHomes } from './homes.ts';
import { contestPolicy, isContestant } from './internet.ts';
import type { Phase } from './mode.ts';

/** What a contest changes, as things are now. */
export interface ContestPlan {
  /** Machines that have the internet without a contest, and not in one. */
  closed: string[];
  /** Addresses that have it in either. */
  kept: number;
  /** People who are logged on at machines that lose it. */
  people: number;
  /** All who would, wherever they logged on. */
  contestants: number;
  services: string[];
  /** What the setting says of self-registration; in a contest it is off. */
  registration: boolean;
  homes: HomesPlan;
}

/** @param homes the set that contestants shall get; default: what the row says, or would */
export function planContest(facts: Facts, nowMs: number, homes?: string): ContestPlan {
  const { known, registration, config } = facts;
  const usual = allowedAddresses(known, config.firewall);
  const during = allowedAddresses(known, contestPolicy(config));
  const closed = [...known.machines.values()].filter(({ ip }) => usual.has(ip) && !during.has(ip));
  const names = new Set(closed.map(({ hostname }) => hostname));
  return {
    closed: [...names],
    kept: during.size,
    people: [...known.sessions.values()].filter(({ hostname }) => names.has(hostname)).length,
    contestants: [...known.users.values()].filter(({ group }) => isContestant(config, group)).length,
    services: config.contest.services,
    registration,
    homes: planHomes(facts, nowMs, homes),
  };
}

/** @param phase what holds now: a contest that runs has done what a start would */
export function describePlan(plan: ContestPlan, phase: Phase): string[] {
  const { closed, people, contestants, kept, services, registration, homes } = plan;
  const on = phase === 'on';
  const seats = closed.length === 0 ? '' : `: ${foldNodeset(closed)}`;
  return labelled([
    {
      label: 'internet',
      said: [
        `${on ? 'off' : 'goes off'} at ${closed.length} machine(s)${seats}`,
        `where ${people} people are logged on, and wherever one of ${contestants} contestants logs on`,
        `${kept} address(es) keep it`,
      ],
    },
    {
      label: 'services',
      said: [
        services.length === 0
          ? 'none: contest.services in prolo.yml names them'
          : `${on ? 'run' : 'are started'}: ${services.join(', ')}`,
      ],
    },
    {
      label: 'registration',
      said: [registration ? (on ? 'off, on again afterwards' : 'goes off') : 'is off anyway'],
    },
    { label: 'homes', said: describeHomes(homes, on) },
  ]);
}
