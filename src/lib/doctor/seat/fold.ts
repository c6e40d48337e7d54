import { foldNodeset } from '../../nodeset.ts';
import { type Colour, type Finding, worst } from '../check.ts';
import type { Outcome } from '../examine.ts';
import { NODES } from './order.ts';

/** What each machine found, as what was found and where: machines that agree are one line. @param checks their order */
export function foldOutcomes(
  found: ReadonlyMap<string, readonly Outcome[]>,
  checks: readonly { name: string; subject: string }[],
): Outcome[] {
  return checks.flatMap(({ name, subject }) => {
    const groups = new Map<string, Finding & { machines: string[] }>();
    let ms = 0;
    for (const [hostname, outcomes] of found)
      for (const outcome of outcomes.filter((one) => one.name === name)) {
        ms = Math.max(ms, outcome.ms);
        for (const { colour, what, fix } of outcome.findings) {
          const key = JSON.stringify([colour, what, fix]);
          const group = groups.get(key);
          if (group?.machines.at(-1) === hostname) continue; // it says so twice
          if (group) group.machines.push(hostname);
          else groups.set(key, { colour, what, ...(fix === undefined ? {} : { fix }), machines: [hostname] });
        }
      }
    if (groups.size === 0) return [];
    const findings = [...groups.values()].sort(byUrgency).map(describe);
    return [{ name, subject, colour: worst(findings), findings, ms }];
  });
}

const URGENCY: Record<Colour, number> = { red: 0, yellow: 1, green: 2 };

function byUrgency(a: Finding & { machines: string[] }, b: Finding & { machines: string[] }): number {
  return URGENCY[a.colour] - URGENCY[b.colour] || b.machines.length - a.machines.length;
}

function describe({ colour, what, fix, machines }: Finding & { machines: string[] }): Finding {
  const nodes = foldNodeset(machines);
  const count = machines.length > 1 ? `${machines.length} machines: ` : '';
  return {
    colour,
    what: `${count}${nodes}: ${what}`,
    ...(fix === undefined ? {} : { fix: fix.includes(NODES) ? fix.replaceAll(NODES, nodes) : fix }),
    machines: [...machines],
  };
}
