import { decideBoot, netbootUrl } from '../../netboot/boot.ts';
import type { MdbView } from '../../netboot/view.ts';
import type { Machine } from '../../mdb/record.ts';
import type { Manifest } from '../../rfs/manifest.ts';
import { filesFor } from '../../rfs/record.ts';
import { listVersions } from '../../rfs/table.ts';
import { getPage } from '../http.ts';
import { type Came, fetchFile, HTTP_FILE_MS, judgeFile, type Wanted } from '../http-file.ts';
import { missingServers } from '../root-servers.ts';
import { check, green, type Patient, red } from '../check.ts';

interface Facts {
  files: (Wanted & Came)[];
  /** Numbers of RFS that nobody is. */
  missing: number[];
}

const WAY = {
  trouble: 'systemctl restart nginx on that server',
  status: 'see netboot in prolo.yml',
};

/** The kernel and the initramfs that machines are told of, each fetched whole from its server. */
export const boot = check({
  name: 'boot',
  subject: 'boot files by HTTP, and their hashes',
  async gather({ site, mdb, store, signal }: Patient): Promise<Facts> {
    const view = await mdb();
    const manifests = await listVersions((await store()).knex);
    const wanted = new Map(
      kinds(view)
        .flatMap((machine) => filesToBoot(site.config, view, manifests, machine))
        .map((file) => [file.url, file]),
    );
    const files = await Promise.all(
      [...wanted.values()].map((one) =>
        fetchFile(one, (url) => {
          const method = one.sha256 === undefined ? { method: 'HEAD' as const } : {};
          return getPage(url, { signal, timeoutMs: HTTP_FILE_MS, ...method });
        }),
      ),
    );
    return { files, missing: missingServers(view) };
  },
  decide({ files, missing }: Facts) {
    const found = [
      ...missing.map((rfs) =>
        red(
          `rfs${rfs}: machines boot from it, and no machine of MDB has that alias`,
          `prolo mdb set SERVER --aliases THOSE-IT-HAS,rfs${rfs}`,
        ),
      ),
      ...files.flatMap((file) => judgeFile(file, file.sha256, WAY)),
    ];
    const hashed = files.filter(({ sha256 }) => sha256 !== undefined).length;
    return found.length > 0
      ? found
      : [green(`${files.length} files, ${hashed} as their version's manifest says`)];
  },
});

/** What that machine is told to fetch by HTTP. */
export function filesToBoot(
  config: Patient['site']['config'],
  view: MdbView,
  manifests: readonly Manifest[],
  machine: Machine,
): Wanted[] {
  const booted = decideBoot(config, view, { mac: machine.mac, base: netbootUrl(config) });
  if (booted.kind !== 'kernel') return [];
  const version = booted.title.includes(' version ') ? filesFor(view.boots, machine)?.version : undefined;
  const files = manifests.find((one) => one.version === version)?.files;
  const wanted = (told: string, sha256: string | undefined): Wanted => ({
    // Netboot takes a request with the name of a machine for that machine's.
    url: told.split('?')[0]!,
    ...(sha256 ? { sha256 } : {}),
    ...(version ? { version } : {}),
  });
  return [booted, ...(booted.second ? [booted.second] : [])].flatMap(({ kernel, initrds }) => [
    wanted(kernel, files?.vmlinuz.sha256),
    ...initrds.map(({ url }) => wanted(url, files?.['initrd.img'].sha256)),
  ]);
}

/** One machine of each kind: they boot alike. */
function kinds(view: MdbView) {
  const seen = new Set<string>();
  return [...view.byMac.values()].filter((machine) => {
    const kind = `${machine.mtype} ${machine.rfs} ${filesFor(view.boots, machine)?.version ?? ''}`;
    if (machine.is_faulty || machine.mtype === 'service' || seen.has(kind)) return false;
    return seen.add(kind);
  });
}
