import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asProloError, ProloError } from '../errors.ts';
import { keyPairOf } from '../ed25519.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Site } from '../site/site.ts';
import { quote } from '../ssh/command.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import { dropCopies, listCopies, noteCopy } from './copies.ts';
import { hashFile } from './image.ts';
import { type Manifest, VERSION_FILES } from './manifest.ts';
import { mend, mendHere } from './mend.ts';
import { findPlaces, type Place, runThere } from './places.ts';
import { withServers } from './publish.ts';
import { versionsOf } from './staging.ts';
import { bootedVersions, listBoots, listVersions } from './table.ts';
import { type Checked, expectedSums, isBad, judge, parseSums } from './verify-decide.ts';

export interface VerifyOptions {
  /** By number; undefined: all that there are. */
  versions: readonly number[] | undefined;
  /** Writes the right bytes over the wrong ones. */
  repair: boolean;
  actor: string;
  onChecked?: (checked: Checked) => void;
  onStep?: (hostname: string, what: string) => void;
}

const HASH_MS = 3600_000;

/**
 * Reads every byte of versions wherever they are, all servers at once. What each is found to have is written down.
 * @throws ProloError `not-found` for a version that is none; `conflict` for a repair while another run brings versions to servers:
 * one would take away what the other has copied
 */
export function verify(site: Site, store: Store, options: VerifyOptions): Promise<Checked[]> {
  const work = (): Promise<Checked[]> => verifyAll(site, store, options);
  return options.repair ? withServers(site, work) : work();
}

async function verifyAll(site: Site, store: Store, options: VerifyOptions): Promise<Checked[]> {
  const { repair, onChecked = () => undefined, onStep = () => undefined } = options;
  const dir = versionsOf(site);
  const { privateKey } = keyPairOf(site.secret('rfs.sign'));
  const manifests = chooseVersions(await listVersions(store.knex), options.versions);
  const places = findPlaces(site, await listMachines(store.knex));
  const wanted = await wantedAt(store, places);
  const all = new Map<string, Checked>();
  const key = (hostname: string, version: number): string => `${hostname} ${version}`;

  const check = async (place: Place, manifest: Manifest, before?: Checked): Promise<void> => {
    const { hostname } = place;
    const { version } = manifest;
    const checked: Checked = { hostname, version, ...(await look(place, dir, manifest)) };
    if (before && checked.found === 'whole') checked.repaired = true;
    if (place.numbers.length > 0) await write(store, checked);
    all.set(key(hostname, version), checked);
    onChecked(checked);
  };
  const look = async (place: Place, at: string, manifest: Manifest) => {
    const expected = expectedSums(manifest, privateKey);
    try {
      const sums = await readSums(place, join(at, String(manifest.version)), [...expected.keys()]);
      return judge(expected, sums, wanted(place, manifest.version));
    } catch (error) {
      return { found: 'unknown' as const, files: [], reason: asProloError(error).message };
    }
  };

  await Promise.all(
    places.map(async (place) => {
      for (const manifest of manifests) await check(place, manifest);
    }),
  );
  if (repair) {
    const bad = (place: Place, { version }: Manifest): Checked | undefined => {
      const checked = all.get(key(place.hostname, version))!;
      return checked.found === 'damaged' || checked.found === 'lacking' ? checked : undefined;
    };
    for (const manifest of manifests) {
      const here = places[0]!;
      const ours = bad(here, manifest);
      if (ours) {
        const from = places.find(
          (place) => all.get(key(place.hostname, manifest.version))!.found === 'whole',
        );
        await mendHere(dir, manifest, privateKey, ours, from).catch((error: unknown) =>
          onStep(here.hostname, asProloError(error).message),
        );
        await check(here, manifest, ours);
      }
      const source = all.get(key(here.hostname, manifest.version))!;
      await Promise.all(
        places.map(async (place) => {
          const theirs = place.remote ? bad(place, manifest) : undefined;
          if (!theirs || source.found !== 'whole') return;
          onStep(place.hostname, `version ${manifest.version}: mending`);
          await mend(place.remote!, dir, manifest, theirs).catch((error: unknown) =>
            onStep(place.hostname, asProloError(error).message),
          );
          await check(place, manifest, theirs);
        }),
      );
    }
  }
  const found = [...all.values()];
  await note(store, options, manifests, found);
  return stillThere(store, found);
}

function chooseVersions(all: readonly Manifest[], wanted: readonly number[] | undefined): Manifest[] {
  const unknown = wanted?.find((number) => !all.some(({ version }) => version === number));
  if (unknown !== undefined)
    throw new ProloError('not-found', `version ${unknown}: there is none`, {
      hint: 'see `prolo rfs status`',
    });
  return all.filter(({ version }) => wanted === undefined || wanted.includes(version));
}

/** Where a version must be: the gateway has all, a server what its machines boot and what it had. */
async function wantedAt(
  store: Store,
  places: readonly Place[],
): Promise<(place: Place, version: number) => boolean> {
  const [boots, copies] = [await listBoots(store.knex), await listCopies(store.knex)];
  const booted = new Map(
    places.map(({ hostname, numbers }) => [
      hostname,
      bootedVersions(boots.filter(({ rfs }) => numbers.includes(rfs))),
    ]),
  );
  return ({ hostname, remote }, version) =>
    !remote ||
    booted.get(hostname)!.has(version) ||
    copies.some((copy) => copy.hostname === hostname && copy.version === version);
}

/** @returns hashes by file; undefined where there is no such folder @throws ProloError `unavailable`, `failed` */
async function readSums(
  { remote }: Place,
  folder: string,
  names: readonly string[],
): Promise<Map<string, string> | undefined> {
  if (remote) {
    const text = await runThere(remote, sumsScript(folder, names), HASH_MS);
    return text.startsWith('none\n') ? undefined : parseSums(text);
  }
  if (!(await stat(folder).catch(() => undefined))) return undefined;
  const sums = await Promise.all(
    names.map(async (name) => {
      const found = await hashFile(join(folder, name)).catch(() => undefined);
      return found ? [[name, found.sha256] as const] : [];
    }),
  );
  return new Map(sums.flat());
}

/** A file that cannot be read has no hash. Whoever boots meanwhile comes first. */
function sumsScript(folder: string, names: readonly string[]): string {
  return [
    `cd ${quote(folder)} 2>/dev/null || { echo none; exit 0; }`,
    'if command -v openssl >/dev/null; then hash="openssl dgst -r -sha256"; else hash=sha256sum; fi',
    `for name in ${names.map(quote).join(' ')}; do nice -n 19 $hash "$name" 2>/dev/null; done`,
    'exit 0',
  ].join('\n');
}

async function write(store: Store, { hostname, version, found, files }: Checked): Promise<void> {
  if (found === 'whole' || found === 'damaged') await noteCopy(store, { hostname, version, damage: files });
  // The row stays: it says that the version was there, and is to be.
  if (found === 'lacking') await noteCopy(store, { hostname, version, damage: VERSION_FILES });
  if (found === 'absent') await dropCopies(store, hostname, [version]);
}

async function note(
  store: Store,
  { actor, repair }: VerifyOptions,
  manifests: readonly Manifest[],
  found: readonly Checked[],
): Promise<void> {
  const bad = found.filter(isBad).map((one) => `${one.hostname} ${one.version} ${one.found}`);
  const text = `versions ${manifests.map(({ version }) => version).join(', ')}: ${bad.join('; ') || 'whole'}`;
  await transact(store, (tx) => audit(tx, actor, repair ? 'rfs repair' : 'rfs verify', text));
}

/** Without those that were pruned meanwhile: that they are gone is no damage. */
async function stillThere(store: Store, found: readonly Checked[]): Promise<Checked[]> {
  const now = new Set((await listVersions(store.knex)).map(({ version }) => version));
  return found.filter(({ version }) => now.has(version));
}
