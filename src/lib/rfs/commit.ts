import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { keyPairOf } from '../ed25519.ts';
import { listMachines } from '../mdb/machines.ts';
import { ownAddresses } from '../own-addresses.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { FACTS_FILE, layoutOf } from './base.ts';
import { findBootFiles, readBootList } from './boot-files.ts';
import { beginDelivery, type Delivery } from './deliver.ts';
import { type Listing, listTree, versionFingerprint } from './fingerprint.ts';
import { initramfsScripts } from './initramfs.ts';
import { findHashes, findLeftovers, isSeatSecrets, type TreeFile } from './leftovers.ts';
import { type Manifest, VERSION_FILES } from './manifest.ts';
import { mustHaveProlo } from './root/needed.ts';
import { listHere } from './places.ts';
import { type Published, publish, publishAlone, type PublishOptions, withServers } from './publish.ts';
import { remoteOf } from './remote.ts';
import { findServers, type RfsHost } from './servers.ts';
import { versionsOf, withStaging } from './staging.ts';
import { addVersion, bootedVersions, listBoots, listVersionRows, type VersionRow } from './table.ts';
import { cleanWork, type Increment, makeVersion, readManifest } from './version.ts';

export interface CommitOptions extends Omit<PublishOptions, 'fresh'> {
  message: string;
  at: Date;
  /** The image is made of all that is in staging, also where only a part has changed. */
  repack?: boolean;
}

export interface Committed extends Omit<Published, 'version'> {
  /** undefined: nothing has changed since the newest one, which was brought out before. */
  version: number | undefined;
  /** Nothing has changed; the one that is brought out now was made by a run that did not come so far. */
  madeBefore?: boolean;
  /** The newest version, and the numbers of RFS whose machines boot another, where nothing has changed. */
  behind?: { newest: number; rfs: number[] };
}

/**
 * Makes a version of staging, brings it to every RFS, and lets machines boot it once all have proved that they have it.
 * @param store may still be on its way
 * @throws ProloError `refused` for leftovers, and when not every server has it; nobody boots it then
 */
export function commit(
  site: Site,
  store: Store | PromiseLike<Store>,
  options: CommitOptions,
): Promise<Committed> {
  const opening = Promise.resolve(store);
  opening.catch(() => undefined); // heard of below, unless staging is not ours
  return withStaging(site, `${options.actor}: rfs commit`, async (staging) => {
    const listedAt = new Date();
    const [listing, opened] = await Promise.all([listTree(staging), opening]);
    return commitTree(site, opened, { staging, listing, listedAt }, options);
  });
}

async function commitTree(
  site: Site,
  store: Store,
  { staging, listing, listedAt }: { staging: string; listing: Listing; listedAt: Date },
  options: CommitOptions,
): Promise<Committed> {
  const { message, actor, canaries, onStep = () => undefined } = options;
  const dir = versionsOf(site);
  await cleanWork(dir);
  const { rows, next } = await readVersions(site, store, actor);
  const newest = rows.find(({ prunedAt }) => prunedAt === null);
  const boots = await listBoots(store.knex);
  const hosts = findServers(await listMachines(store.knex));
  const expectedBytes = newest && bytesOf(newest.manifest);
  const bootList = await readBootList(site);
  const { compression, blockBytes } = site.config.rfs;
  const means = [compression, blockBytes, bootList, ...initramfsScripts()];
  const fingerprint = versionFingerprint(listing.fingerprint, means);
  if (newest?.manifest.fingerprint === fingerprint && !options.repack) {
    const version = newest.manifest.version;
    if (wasOut(newest) || bootedVersions(boots).has(version))
      return { version: undefined, switched: [], failed: [], behind: behind(version, boots, hosts) };
    if (await isHere(site, version)) {
      mustBeAbleToTry(boots, canaries);
      const published = await publish(site, store, newest.manifest, hosts, options);
      return { ...published, madeBefore: true };
    }
  }
  mustBeAbleToTry(boots, canaries);
  const files = listing.files();
  mustBeClean(staging, files);
  mustHaveProlo(staging, files);
  const increment: Increment = {
    before: newest?.manifest,
    layout: layoutOf({ compression, blockBytes }, bootList),
    facts: listing.facts(),
    listedAt,
    repack: options.repack ?? false,
  };
  return withServers(site, async () => {
    const deliveries = beginDeliveries(site, next, increment, hosts, options);
    try {
      const { manifest, delta } = await makeVersion({
        staging,
        dir,
        version: next,
        message,
        by: actor,
        at: options.at,
        treeFingerprint: listing.fingerprint,
        fingerprint,
        packing: { compression, blockBytes },
        packedFirst: findBootFiles(bootList, files),
        ...(expectedBytes === undefined ? {} : { expectedBytes }),
        increment,
        keys: keyPairOf(site.secret('rfs.sign')),
        onStep: (what) => onStep('staging', what),
        onMade: (made) => deliveries.forEach((delivery) => delivery.send(made)),
      });
      if (!delta) await cancelAll(deliveries);
      await addVersion(store, actor, manifest);
      const what = delta ? `, made out of version ${delta.base}` : '';
      onStep('staging', `version ${manifest.version}, ${Math.ceil(bytesOf(manifest) / 1e6)} MB${what}`);
      return await publishAlone(site, store, manifest, hosts, { ...options, fresh: true, deliveries });
    } finally {
      await cancelAll(deliveries);
    }
  });
}

/** To servers that may have the version before: they copy it while the next one is made. */
function beginDeliveries(
  site: Site,
  version: number,
  { before, repack }: Increment,
  hosts: readonly RfsHost[],
  { onStep, onProgress }: CommitOptions,
): Map<string, Delivery> {
  const dir = versionsOf(site);
  if (!before || repack || !existsSync(join(dir, String(before.version), FACTS_FILE))) return new Map();
  const own = ownAddresses();
  return new Map(
    hosts
      .filter(({ machine }) => !own.has(machine.ip))
      .map(({ machine }) => [
        machine.hostname,
        beginDelivery(
          remoteOf(site, machine),
          dir,
          version,
          before,
          bytesOf(before),
          (what) => onStep?.(machine.hostname, what),
          (progress) => onProgress?.(machine.hostname, progress),
        ),
      ]),
  );
}

async function cancelAll(deliveries: Map<string, Delivery>): Promise<void> {
  await Promise.all([...deliveries.values()].map((delivery) => delivery.cancel()));
  deliveries.clear();
}

/**
 * The rows, newest first, and the number that is given next. A folder that the site signed and that no row knows gets its row: its run
 * was killed between the two, or the database came back from a backup. None of another's is ever a number again.
 */
async function readVersions(
  site: Site,
  store: Store,
  actor: string,
): Promise<{ rows: VersionRow[]; next: number }> {
  const dir = versionsOf(site);
  const folders = await listHere(dir);
  let rows = await listVersionRows(store.knex);
  const known = new Set(rows.map(({ manifest }) => manifest.version));
  const strange = folders.filter((number) => !known.has(number));
  for (const number of strange) {
    const manifest = await readManifest(dir, number, keyPairOf(site.secret('rfs.sign'))).catch(
      () => undefined,
    );
    if (manifest) await addVersion(store, actor, manifest);
  }
  if (strange.length > 0) rows = await listVersionRows(store.knex);
  return { rows, next: Math.max(0, rows[0]?.manifest.version ?? 0, ...folders) + 1 };
}

/** Whether machines were ever told to boot it. */
const wasOut = ({ bootedAt, leftAt }: VersionRow): boolean => bootedAt !== null || leftAt !== null;

async function isHere(site: Site, version: number): Promise<boolean> {
  return readManifest(versionsOf(site), version, keyPairOf(site.secret('rfs.sign'))).then(
    () => true,
    () => false,
  );
}

function behind(
  newest: number,
  boots: readonly { rfs: number; version: number }[],
  hosts: readonly RfsHost[],
): NonNullable<Committed['behind']> {
  const there = new Set(boots.filter(({ version }) => version === newest).map(({ rfs }) => rfs));
  return { newest, rfs: hosts.flatMap(({ numbers }) => numbers).filter((number) => !there.has(number)) };
}

function bytesOf({ files }: Manifest): number {
  return VERSION_FILES.reduce((sum, name) => sum + files[name].bytes, 0);
}

function mustBeAbleToTry(boots: readonly { rfs: number }[], canaries: CommitOptions['canaries'] = []): void {
  for (const { hostname, mtype, rfs } of canaries) {
    if (mtype === 'service')
      throw new ProloError('bad-input', `canary ${hostname}: a service boots no version`, {
        hint: 'name machines that do',
      });
    if (!boots.some((record) => record.rfs === rfs))
      throw new ProloError(
        'conflict',
        `canary ${hostname}: the machines of rfs ${rfs} boot no version yet that others could go on with`,
        { hint: 'the first version is for all: leave --canary out' },
      );
  }
}

function mustBeClean(staging: string, files: readonly TreeFile[]): void {
  const read = (path: string): string => readFileSync(join(staging, path), 'utf8');
  const left = [
    ...findLeftovers(files).filter(({ path }) => !isSeatSecrets(path, () => read(path))),
    ...findHashes(files, read),
  ];
  if (left.length === 0) return;
  throw new ProloError(
    'refused',
    `staging ${staging}: ${left.map(({ path, what }) => `${path} (${what})`).join(', ')}`,
    {
      hint: 'take it away, or empty it (a password: `usermod -p "*" LOGIN`): every machine would have it, and every laptop on the wire could read it',
    },
  );
}
