import { printable } from '../cli/table.ts';
import { changedFields, type MachinePlan } from './plan.ts';

/** A plan as a person reads it, a line a machine: `~ pas-r01p01  rfs 0 -> 2`. */
export function describePlan(plan: MachinePlan): string[] {
  return [
    ...plan.create.map((m) => `+ ${m.hostname}  ${m.ip}  ${m.mac}  ${m.mtype}  ${m.room}`),
    ...plan.update.map(({ before, after }) => {
      const fields = changedFields(before, after) as (keyof typeof after)[];
      return `~ ${before.hostname}  ${fields.map((field) => `${field} ${printable(before[field])} -> ${printable(after[field])}`).join(', ')}`;
    }),
    ...plan.remove.map((m) => `- ${m.hostname}  ${m.ip}  ${m.mac}`),
  ];
}

export function summarizePlan(plan: MachinePlan, dryRun: boolean): string {
  const counts = `${plan.create.length} added, ${plan.update.length} changed, ${plan.remove.length} removed`;
  return dryRun ? `dry run, nothing was done: ${counts}` : counts;
}
