import { table } from '../cli/table.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { foldNodeset } from '../nodeset-fold.ts';
import type { Wave } from '../ssh/waves.ts';
import type { PowerPlan } from './plan-power.ts';

/** What is about to be done, and when which machines begin. */
export function describeWaves(what: string, { waves, how }: PowerPlan): string {
  const rows = waves.map(({ atMs, items }) => [
    `${atMs / 1000} s`,
    items.length,
    foldNodeset(items.map(({ hostname }) => hostname)),
  ]);
  return `${how ? `${what} ${how}` : what}:\n${table(['at', 'count', 'machines'], rows)}`;
}

export function countMachines(count: number): string {
  return count === 1 ? '1 machine' : `${count} machines`;
}

/** The same for programs. */
export function wavesAsData(
  waves: readonly Wave<MachineRecord>[],
): { atSeconds: number; machines: string[] }[] {
  return waves.map(({ atMs, items }) => ({
    atSeconds: atMs / 1000,
    machines: items.map(({ hostname }) => hostname),
  }));
}
