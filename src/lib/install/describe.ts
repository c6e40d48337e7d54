import { createTwoFilesPatch } from 'diff';
import type { Step } from './plan.ts';

const PRIVATE = 0o077;

/** One step in a line, as a plan shows it. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'packages':
      return `+ packages ${step.install.join(' ')}`;
    case 'user':
      return `+ user ${step.name}`;
    case 'folder':
      return `+ ${step.wish.path}/`;
    case 'tree': {
      const { wish, lacks } = step;
      const size = `${Math.ceil(lacks.bytes / 1e6)} MB`;
      return lacks.there
        ? `~ ${wish.path}/: ${wish.what}, ${lacks.entries.length} of ${lacks.files} files, ${size}`
        : `+ ${wish.path}/: ${wish.what}, ${size}`;
    }
    case 'file':
      if (!step.before) return `+ ${step.wish.path}`;
      return `~ ${step.wish.path}${step.edited ? '  (changed by hand since)' : ''}`;
    case 'enable':
      return `+ starts with this host: ${step.units.join(' ')}`;
  }
}

/** What a step changes within a file, as a unified diff; nothing of one that others may not read. */
export function describeChange(step: Step): string {
  if (step.kind !== 'file' || !step.before || step.before.text === step.wish.text) return '';
  if (((step.wish.mode ?? 0o644) & PRIVATE) === 0) return '  its text is not shown: others may not read it\n';
  const { path, text } = step.wish;
  return createTwoFilesPatch(path, path, step.before.text, text, 'now', 'then', { context: 2 })
    .split('\n')
    .slice(2)
    .join('\n');
}
