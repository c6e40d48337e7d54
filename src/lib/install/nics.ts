import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';

/**
 * Looks whether a gateway has the NICs of its networks; one that leads to the internet may come later.
 * @param names of the NICs that the host has
 * @throws ProloError `config` where one is gone
 */
export function checkNics({ networks }: Pick<Config, 'networks'>, names: readonly string[]): void {
  const gone = networks.find((one) => one.interface !== undefined && !names.includes(one.interface));
  if (!gone) return;
  const there = names.filter((name) => name !== 'lo').join(', ') || 'no NIC at all';
  throw new ProloError(
    'config',
    `network ${gone.name}: NIC ${gone.interface}: not there; this host has ${there}`,
    {
      hint: `plug it in, or change \`interface\` of network ${gone.name} in prolo.yml; nothing was done`,
    },
  );
}
