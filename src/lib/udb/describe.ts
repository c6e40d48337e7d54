import { printable } from '../cli/table.ts';
import { changedFields, type UserPlan } from './plan.ts';
import type { User } from './record.ts';

/** A plan as a person reads it, a line a user: `~ jdoe  shell /bin/bash -> /bin/zsh`. */
export function describePlan(plan: UserPlan): string[] {
  return [
    ...plan.create.map((user) => `+ ${line(user)}`),
    ...plan.update.map(
      ({ before, after }) => `~ ${before.login}  ${describeFields(before, after).join(', ')}`,
    ),
    ...plan.remove.map((user) => `- ${line(user)}`),
  ];
}

function line({ login, uid, group, firstname, lastname }: User): string {
  return `${login}  ${uid}  ${group}  ${printable(`${firstname} ${lastname}`.trim())}`;
}

/** The fields that differ; of a password and a key only that they do. */
function describeFields(before: User, after: User): string[] {
  return changedNames(before, after).map((field) =>
    field === 'password' || field === 'ssh_key'
      ? field
      : `${field} ${printable(before[field as keyof User])} -> ${printable(after[field as keyof User])}`,
  );
}

/** By name, as people know them: sealed or hashed, it is the password. */
export function changedNames(before: User, after: User): string[] {
  return [...new Set(changedFields(before, after).map((field) => (field === 'sealed' ? 'password' : field)))];
}

export function summarizePlan(plan: UserPlan, more: { dryRun?: boolean; ignored?: number } = {}): string {
  const ignored = more.ignored ? `, ${more.ignored} left as they are` : '';
  const counts = `${plan.create.length} added, ${plan.update.length} changed, ${plan.remove.length} removed${ignored}`;
  return more.dryRun ? `dry run, nothing was done: ${counts}` : counts;
}
