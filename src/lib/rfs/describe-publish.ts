import type { Published } from './publish.ts';

/** What machines boot from now on. */
export function describePublished({ version, switched, tried }: Omit<Published, 'failed'>): string {
  const what =
    tried !== undefined
      ? `tried by ${tried} ${tried === 1 ? 'machine' : 'machines'} from the next start on`
      : switched.length > 0
        ? `booted from now on by the machines of rfs ${switched.join(', ')}`
        : 'booted by nobody: no machine in MDB boots versions (`prolo rfs promote` when there are some)';
  return `version ${version}: ${what}`;
}
