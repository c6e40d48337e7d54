import { existsSync } from 'node:fs';
import { asProloError, ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import { keyPairOf } from '../ed25519.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Machine } from '../mdb/record.ts';
import { ownAddresses } from '../own-addresses.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { noteCopy } from './copies.ts';
import { bringVersion } from './distribute.ts';
import { fingerprint } from './fingerprint.ts';
import { findLeftovers, type TreeFile } from './leftovers.ts';
import type { Manifest } from './manifest.ts';
import { remoteOf } from './remote.ts';
import { findServers, type RfsHost } from './servers.ts';
import { versionsOf, withStaging } from './staging.ts';
import { addVersion, listBoots, listVersions, nextVersion, setCanaries, switchBoots } from './table.ts';
import { makeVersion } from './version.ts';

export interface CommitOptions {
  message: string;
  actor: string;
  at: Date;
  /** Switches the RFS that have it, where not all do. */
  partial: boolean;
  /** Only these machines boot it, until it is promoted. */
  canaries?: readonly Machine[];
  onStep?: (where: string, what: string) => void;
}

export interface Committed {
  /** undefined: nothing has changed since the newest one. */
  version: number | undefined;
  /** Numbers of RFS whose machines boot it from now on. */
  switched: number[];
  failed: { hostname: string; reason: string }[];
}

/**
 * Makes a version of staging, brings it to every RFS, and lets machines boot it once all have proved that they have it.
 * @throws ProloError `refused` for leftovers, and when not every server has it; nobody boots it then
 */
export function commit(site: Site, store: Store, options: CommitOptions): Promise<Committed> {
  return withStaging(site, `${options.actor}: rfs commit`, (staging) =>
    commitTree(site, store, staging, options),
  );
}

async function commitTree(
  site: Site,
  store: Store,
  staging: string,
  options: CommitOptions,
): Promise<Committed> {
  const { message, actor, onStep = () => undefined } = options;
  if (options.canaries && (await listBoots(store.knex)).length === 0)
    throw new ProloError('conflict', 'canary: machines boot no version yet that others could go on with', {
      hint: 'the first version is for all: leave --canary out',
    });
  const print = await fingerprint(staging);
  const [newest] = await listVersions(store.knex);
  const hosts = findServers(await listMachines(store.knex));
  if (newest?.fingerprint === print) return { version: undefined, switched: [], failed: [] };
  await mustBeClean(staging);
  const manifest = await makeVersion({
    staging,
    dir: versionsOf(site),
    version: await nextVersion(store.knex),
    message,
    by: actor,
    at: options.at,
    fingerprint: print,
    packing: site.config.rfs,
    keys: keyPairOf(site.secret('rfs.sign')),
    onStep: (what) => onStep('staging', what),
  });
  await addVersion(store, actor, manifest);
  return publish(site, store, manifest, hosts, options);
}

/**
 * Brings a version that is here to every RFS, and lets machines boot it. What was broken off is done again from there.
 * @throws ProloError `refused` when not every server has it; nobody boots it then
 */
export async function publish(
  site: Site,
  store: Store,
  manifest: Manifest,
  hosts: readonly RfsHost[],
  {
    actor,
    partial,
    canaries,
    onStep = () => undefined,
  }: Pick<CommitOptions, 'actor' | 'partial' | 'canaries' | 'onStep'>,
): Promise<Committed> {
  const own = ownAddresses();
  const brought = await Promise.all(
    hosts.map(async ({ machine, numbers }) => {
      const { hostname } = machine;
      try {
        if (!own.has(machine.ip))
          await bringVersion(remoteOf(site, machine), versionsOf(site), manifest, (what) =>
            onStep(hostname, what),
          );
        await noteCopy(store, { hostname, version: manifest.version });
        onStep(hostname, 'has it');
        return { numbers };
      } catch (error) {
        const reason = asProloError(error).message;
        onStep(hostname, `failed: ${reason}`);
        return { numbers: [], failure: { hostname, reason } };
      }
    }),
  );
  const failed = brought.flatMap(({ failure }) => (failure ? [failure] : []));
  const rfs = brought.flatMap(({ numbers }) => numbers);
  if (failed.length > 0 && !(partial && rfs.length > 0))
    throw new ProloError(
      'refused',
      `version ${manifest.version}: ${failed.map(({ hostname, reason }) => `${hostname} does not have it (${reason})`).join('; ')}`,
      { hint: 'nobody boots it; `prolo rfs promote` tries again, --partial does without them' },
    );
  const { version } = manifest;
  if (canaries) await setCanaries(store, actor, { version, machines: canaries });
  else if (rfs.length > 0) await switchBoots(store, actor, { rfs, version });
  return { version, switched: canaries ? [] : rfs, failed };
}

async function mustBeClean(staging: string): Promise<void> {
  const { stdout } = await run(['find', staging, '-xdev', '-type', 'f', '-printf', '%P\\t%s\\0'], {
    timeoutMs: 120_000,
  });
  const files = stdout.split('\0').map((line): TreeFile => {
    const tab = line.lastIndexOf('\t');
    return { path: line.slice(0, tab), bytes: Number(line.slice(tab + 1)) };
  });
  const left = findLeftovers(files);
  if (left.length > 0)
    throw new ProloError(
      'refused',
      `staging ${staging}: ${left.map(({ path, what }) => `${path} (${what})`).join(', ')}`,
      {
        hint: 'take it away, or empty it: every machine would have it, and every laptop on the wire could read it',
      },
    );
  if (!existsSync(staging)) throw new ProloError('not-found', `staging ${staging}: not there`);
}
