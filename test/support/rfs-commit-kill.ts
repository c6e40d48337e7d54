import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyPairOf } from '../../src/lib/ed25519.ts';
import { VERSION_FILES } from '../../src/lib/rfs/manifest.ts';
import { listBoots, listVersionRows } from '../../src/lib/rfs/table.ts';
import { readManifest } from '../../src/lib/rfs/version.ts';
import { prolo, proloBin } from './cli.ts';
import type { RfsSite } from './rfs-commit-site.ts';

/** How often something ended where. */
export interface KillCounts {
  killed: number;
  /** It was done before the kill came. */
  done: number;
}

/**
 * Commits a change again and again, each killed at a random moment, then once in peace; and looks at what there is.
 * @throws Error that says what is wrong
 */
export async function killCommits(
  rfs: RfsSite,
  runs: number,
  longestMs: number,
  report: (text: string) => void = () => undefined,
): Promise<KillCounts> {
  const counts: KillCounts = { killed: 0, done: 0 };
  for (let run = 0; run < runs; run++) {
    // Half of the runs go on with what the one before has left.
    if (run % 2 === 0) writeFileSync(join(rfs.staging, 'etc/motd'), `run ${run}, ${Math.random()}\n`);
    const child = spawn(process.execPath, [proloBin, 'rfs', 'commit', '-m', `run ${run}`], {
      stdio: 'ignore',
      env: { ...process.env, PROLO_CONFIG: rfs.test.site.file },
    });
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const timer = setTimeout(() => child.kill('SIGKILL'), 100 + randomInt(longestMs));
    counts[(await ended) === 'SIGKILL' ? 'killed' : 'done']++;
    clearTimeout(timer);
    await mustBootWhole(rfs);
    if (run % 20 === 19) {
      await complete(rfs);
      report(`${run + 1} runs: ${counts.killed} killed`);
    }
  }
  await complete(rfs);
  return counts;
}

/** What machines are told to boot is there, whole, on the server that they are told to boot it from. */
async function mustBootWhole(rfs: RfsSite): Promise<void> {
  const { knex } = await rfs.test.store();
  for (const { rfs: number, version } of await listBoots(knex)) {
    const wrong = await damageOf(rfs, rfs.server(number + 1), version);
    if (wrong.length > 0) throw new Error(`rfs ${number} boots version ${version}: ${wrong.join(', ')}`);
  }
}

/** A commit in peace brings all to the newest state; nothing of dead runs is left, and every row has its files. */
async function complete(rfs: RfsSite): Promise<void> {
  const { site } = rfs.test;
  let result = { status: null as number | null, stdout: '', stderr: '' };
  // A dead run's programs may still be at work in staging for a moment.
  for (let tries = 0; tries < 50; tries++) {
    result = await prolo(['rfs', 'commit', '-m', 'in peace'], { config: site.file });
    if (result.status !== 5) break;
    await sleep(100);
  }
  if (result.status !== 0) throw new Error(`a commit in peace: status ${result.status}: ${result.stderr}`);
  const { knex } = await rfs.test.store();
  const rows = await listVersionRows(knex);
  const newest = rows[0]!.manifest;
  for (const boots of await listBoots(knex))
    if (boots.version !== newest.version)
      throw new Error(`rfs ${boots.rfs} boots ${boots.version}, and ${newest.version} is the newest`);
  const places = [rfs.versions, ...(await listBoots(knex)).map(({ rfs: number }) => rfs.server(number + 1))];
  for (const place of places) {
    const odd = readdirSync(place).filter((name) => !/^\d+$/.test(name));
    if (odd.length > 0) throw new Error(`${place}: left behind: ${odd.join(', ')}`);
  }
  for (const { manifest } of rows) {
    const key = keyPairOf(site.secret('rfs.sign'));
    await readManifest(rfs.versions, manifest.version, key);
    const wrong = await damageOf(rfs, rfs.versions, manifest.version);
    if (wrong.length > 0) throw new Error(`version ${manifest.version}: ${wrong.join(', ')}`);
  }
  const folders = readdirSync(rfs.versions).map(Number);
  const strange = folders.filter((number) => !rows.some(({ manifest }) => manifest.version === number));
  if (strange.length > 0) throw new Error(`folders without a row: ${strange.join(', ')}`);
}

async function damageOf(rfs: RfsSite, place: string, version: number): Promise<string[]> {
  const key = keyPairOf(rfs.test.site.secret('rfs.sign'));
  const manifest = await readManifest(rfs.versions, version, key);
  return VERSION_FILES.filter((name) => {
    const bytes = readFileSync(join(place, String(version), name));
    return createHash('sha256').update(bytes).digest('hex') !== manifest.files[name].sha256;
  });
}
