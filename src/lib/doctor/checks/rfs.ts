import { foldNodeset } from '../../nodeset.ts';
import { readStatus } from '../../rfs/gather.ts';
import { check, type Finding, green, NotChecked, type Patient, red, yellow } from '../check.ts';

type Status = Awaited<ReturnType<typeof readStatus>>;

/** Where versions of the root filesystem are, and who runs what, by what is written down of it. */
export const rfs = check({
  name: 'rfs',
  subject: 'versions of the root filesystem',
  async gather({ site, store, mdb }: Patient): Promise<Status> {
    await mdb();
    const opened = await store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    return readStatus(site, opened, false);
  },
  decide: judgeVersions,
});

export function judgeVersions({ versions, behind, boots }: Status): Finding[] {
  const found: Finding[] = [];
  for (const { version, servers, bootedBy, triedBy } of versions) {
    const those = (state: string): string[] =>
      Object.entries(servers).flatMap(([hostname, one]) => (one === state ? [hostname] : []));
    const [damaged, missing] = [those('damaged'), those('missing')];
    const used = bootedBy.length + triedBy.length > 0;
    if (damaged.length > 0)
      found.push(
        (used ? red : yellow)(
          `version ${version}: damaged on ${foldNodeset(damaged)}`,
          `prolo rfs verify ${version} --repair`,
        ),
      );
    if (missing.length > 0 && used)
      found.push(
        red(
          `version ${version}: not known to be on ${foldNodeset(missing)}`,
          `prolo rfs verify ${version} --repair`,
        ),
      );
  }
  if (behind.length > 0)
    found.push(
      yellow(
        `${behind.length} machines run another version than they would boot: ${foldNodeset(behind.map(({ hostname }) => hostname))}`,
        `prolo reboot ${foldNodeset(behind.map(({ hostname }) => hostname))}`,
      ),
    );
  if (found.length > 0) return found;
  return [
    green(boots.length > 0 ? `${versions.length} versions, each where it is booted` : 'none is booted yet'),
  ];
}
