import { asProloError, ProloError } from '../errors.ts';
import { keyPairOf } from '../ed25519.ts';
import { tryFileLock } from '../file-lock.ts';
import type { Machine } from '../mdb/record.ts';
import { ownAddresses } from '../own-addresses.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { noteCopy } from './copies.ts';
import type { Delivery } from './deliver.ts';
import { bringVersion } from './distribute.ts';
import { type Manifest, renderManifest } from './manifest.ts';
import { remoteOf } from './remote.ts';
import type { Progress } from './rsync-progress.ts';
import type { RfsHost } from './servers.ts';
import { versionsOf } from './staging.ts';
import { setCanaries, switchBoots } from './table.ts';
import { findDamage, readManifest } from './version.ts';

export interface PublishOptions {
  actor: string;
  /** Switches the RFS that have it, where not all do. */
  partial: boolean;
  /** Only these machines boot it, until it is promoted. */
  canaries?: readonly Machine[];
  /** Its files here have just been hashed. */
  fresh?: boolean;
  /** By hostname: what is on its way there already. */
  deliveries?: ReadonlyMap<string, Delivery>;
  /** Who gets it, before the first of them does. */
  onServers?: (hostnames: readonly string[]) => void;
  onStep?: (where: string, what: string) => void;
  onProgress?: (where: string, progress: Progress) => void;
}

export interface Published {
  version: number;
  /** Numbers of RFS whose machines boot it from now on. */
  switched: number[];
  /** How many machines try it. */
  tried?: number;
  failed: { hostname: string; reason: string }[];
}

/**
 * Brings a version that is here to every RFS, and lets machines boot it. What was broken off is done again from there.
 * @throws ProloError `refused` when not every server has it (nobody boots it then), or when what is here is not what the site signed;
 * `conflict` while another does so
 */
export function publish(
  site: Site,
  store: Store,
  manifest: Manifest,
  hosts: readonly RfsHost[],
  options: PublishOptions,
): Promise<Published> {
  return withServers(site, () => publishAlone(site, store, manifest, hosts, options));
}

/** As `publish`, for who is the only one already. */
export async function publishAlone(
  site: Site,
  store: Store,
  manifest: Manifest,
  hosts: readonly RfsHost[],
  options: PublishOptions,
): Promise<Published> {
  const { actor, partial, canaries } = options;
  await mustBeSigned(site, manifest);
  options.onServers?.(hosts.map(({ machine }) => machine.hostname));
  const brought = await Promise.all(hosts.map((host) => bring(site, store, manifest, host, options)));
  const failures = brought.flatMap(({ failure }) => (failure ? [failure] : []));
  const failed = failures.map(({ hostname, error }) => ({ hostname, reason: error.message }));
  const rfs = brought.flatMap(({ numbers }) => numbers);
  if (failed.length > 0 && !(partial && rfs.length > 0)) {
    const kinds = new Set(failures.map(({ error }) => error.kind));
    throw new ProloError(
      kinds.size === 1 && kinds.has('full') ? 'full' : 'refused',
      `version ${manifest.version}: ${failed.map(({ hostname, reason }) => `${hostname} does not have it (${reason})`).join('; ')}`,
      { hint: hintFor(manifest.version, failures[0]!.error) },
    );
  }
  const { version } = manifest;
  // Nobody is told to boot it from a server that does not have it.
  const machines = canaries?.filter((machine) => rfs.includes(machine.rfs));
  if (machines?.length === 0)
    throw new ProloError(
      'refused',
      `version ${version}: no server of the machines that would try it has it`,
      {
        hint: hintFor(version, failures[0]!.error),
      },
    );
  if (machines) await setCanaries(store, actor, { version, machines });
  else if (rfs.length > 0) await switchBoots(store, actor, { rfs, version });
  return {
    version,
    switched: machines ? [] : rfs,
    ...(machines ? { tried: machines.length } : {}),
    failed,
  };
}

function hintFor(version: number, { kind, hint }: ProloError): string {
  const way = `nobody boots it; \`prolo rfs promote ${version}\` tries again, --partial does without them`;
  return hint !== undefined && ['full', 'refused'].includes(kind) ? `${way}\n${hint}` : way;
}

/** One run at a time works on what servers have, and on the versions that the gateway has for them. @throws ProloError `conflict` */
export async function withServers<T>(site: Site, work: () => Promise<T>): Promise<T> {
  const lock = await tryFileLock(site.statePath('rfs-servers'));
  if (!lock)
    throw new ProloError('conflict', 'servers: another run makes, brings or removes versions just now', {
      hint: 'wait until it is done',
    });
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/** @throws ProloError `not-found`, `refused` */
async function mustBeSigned(site: Site, manifest: Manifest): Promise<void> {
  const { version } = manifest;
  const here = await readManifest(versionsOf(site), version, keyPairOf(site.secret('rfs.sign')));
  if (renderManifest(here) === renderManifest(manifest)) return;
  throw new ProloError('refused', `version ${version}: its files are of another commit than the database's`, {
    hint: 'was one of the two brought back from a backup? `prolo rfs commit` makes a new version',
  });
}

interface Brought {
  numbers: number[];
  failure?: { hostname: string; error: ProloError };
}

async function bring(
  site: Site,
  store: Store,
  manifest: Manifest,
  { machine, numbers }: RfsHost,
  { fresh = false, deliveries, onStep = () => undefined, onProgress }: PublishOptions,
): Promise<Brought> {
  const { hostname } = machine;
  const { version } = manifest;
  try {
    if (!ownAddresses().has(machine.ip)) {
      if (!(await deliveries?.get(hostname)?.finish(manifest)))
        await bringVersion(
          remoteOf(site, machine),
          versionsOf(site),
          manifest,
          (what) => onStep(hostname, what),
          (progress) => onProgress?.(hostname, progress),
        );
    } else if (!fresh) {
      onStep(hostname, 'hashing');
      const damaged = await findDamage(versionsOf(site), manifest);
      if (damaged.length > 0)
        throw new ProloError(
          'refused',
          `version ${version} here: ${damaged.join(', ')} there has other bytes`,
          {
            hint: `\`prolo rfs verify ${version} --repair\` brings it anew from a server that has it`,
          },
        );
    }
    await noteCopy(store, { hostname, version });
    onStep(hostname, 'has it');
    return { numbers };
  } catch (thrown) {
    const error = asProloError(thrown);
    onStep(hostname, `failed: ${error.message}`);
    return { numbers: [], failure: { hostname, error } };
  }
}
