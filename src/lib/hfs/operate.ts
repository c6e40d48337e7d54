import { existsSync } from 'node:fs';
import { rename, rm, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import type { RpcMethods } from '../rpc/call.ts';
import { syncPath } from '../write-file.ts';
import { fetchHome } from './fetch.ts';
import { checkSpace, listImages } from './image.ts';
import { Epoch, HomeName, Server } from './params.ts';
import type { CheckedImage } from './protocol.ts';
import { endHome, type Hfs } from './server.ts';

const FSCK_MS = 300_000;
/** How long a home that nobody sits at any more is waited for. */
const FREE_MS = 20_000;

/** What hfsdb asks for an operator. */
export function createOperatorMethods(hfs: Hfs): RpcMethods {
  const secret = 'hfs.control';
  return {
    fetch: {
      description: 'Moves a home to here while nobody uses it; it answers when the move has begun.',
      secret,
      params: Type.Object({ login: HomeName, epoch: Epoch, source_hfs: Server, source_epoch: Epoch }),
      result: Type.Boolean(),
      run: (kwargs) => {
        const { login, epoch, source_hfs, source_epoch } = kwargs as {
          login: string;
          epoch: number;
          source_hfs: number;
          source_epoch: number;
        };
        const source = { hfs: source_hfs, epoch: source_epoch };
        const seat = { ip: hfs.host }; // nobody is told the export's name
        const wanted = { login, epoch, source, seat };
        return hfs.locked(login, async () => (await fetchHome(hfs, wanted, false)) !== undefined);
      },
    },
    resize: {
      description: 'Gives a home that nobody uses another size.',
      secret,
      params: Type.Object({ login: HomeName, epoch: Epoch, size_bytes: Type.Integer({ minimum: 1 }) }),
      result: Type.Boolean(),
      run: (kwargs) => {
        const { login, epoch, size_bytes } = kwargs as { login: string; epoch: number; size_bytes: number };
        return whenFree(hfs, login).then(() =>
          hfs.locked(login, () => resize(hfs, login, epoch, size_bytes)),
        );
      },
    },
    remove: {
      description: 'Takes a home that is no longer one out of use: kept under a dated name, or deleted.',
      secret,
      params: Type.Object({ login: HomeName, epoch: Epoch, purge: Type.Boolean() }),
      result: Type.Union([Type.String(), Type.Null()]),
      run: (kwargs) => {
        const { login, epoch, purge } = kwargs as { login: string; epoch: number; purge: boolean };
        return hfs.locked(login, () => remove(hfs, login, epoch, purge));
      },
    },
    check: {
      description: 'e2fsck of every image here that nothing uses.',
      secret,
      params: Type.Object({ fix: Type.Boolean() }),
      result: Type.Array(Type.Object({})),
      run: ({ fix }) => check(hfs, fix as boolean),
    },
  };
}

/** What serves a home is there for some seconds after a logout (`reconcile.ts`). Not in order: its end is. */
async function whenFree(hfs: Hfs, login: string): Promise<void> {
  const deadline = performance.now() + FREE_MS;
  while (hfs.running.has(login) && performance.now() < deadline) await sleep(100);
}

async function resize(hfs: Hfs, login: string, epoch: number, sizeBytes: number): Promise<boolean> {
  const file = hfs.imageFile(login, epoch);
  const running = hfs.running.get(login);
  if (running)
    throw new ProloError('conflict', `home ${login}: still served to ${running.record.export.peer}`, {
      hint: 'it is free 15 s after its owner has logged out, where the PC is gone 30 s; then run this again',
    });
  const { size } = await stat(file);
  if (sizeBytes > size) {
    await checkSpace(hfs.imageDir, 0, `the home of ${login}`);
    await truncate(file, sizeBytes);
  }
  const checked = await run(['e2fsck', '-fp', file], { timeoutMs: FSCK_MS });
  const resized =
    checked.exitCode < 4
      ? await run(['resize2fs', file, `${Math.floor(sizeBytes / 1024)}K`], { timeoutMs: FSCK_MS })
      : checked;
  if (checked.exitCode >= 4 || resized.exitCode !== 0) {
    if (sizeBytes > size) await truncate(file, size);
    throw new ProloError('refused', `home ${login}: ${lastWords(resized)}`, {
      hint: 'its size is what it was; does what it holds fit?',
    });
  }
  if (sizeBytes < size) await truncate(file, sizeBytes);
  await syncPath(file);
  return true;
}

/** @returns the name that it is kept under */
async function remove(hfs: Hfs, login: string, epoch: number, purge: boolean): Promise<string | null> {
  if ((hfs.running.get(login)?.record.epoch ?? 0) <= epoch) await endHome(hfs, login);
  const file = hfs.imageFile(login, epoch);
  let kept: string | null = null;
  if (purge) {
    for (const image of listImages(hfs.imageDir))
      if (image.login === login && image.epoch <= epoch) await rm(hfs.imageFile(login, image.epoch));
  } else if (existsSync(file)) {
    kept = file.replace(/img$/, `reset-${new Date().toISOString().replaceAll(':', '')}`);
    await rename(file, kept);
  }
  await syncPath(hfs.imageDir);
  return kept;
}

async function check(hfs: Hfs, fix: boolean): Promise<CheckedImage[]> {
  const checked: CheckedImage[] = [];
  for (const { login, epoch } of listImages(hfs.imageDir)) {
    const words = await hfs.locked(login, async () => {
      if (hfs.running.has(login)) return null;
      const argv = ['e2fsck', fix ? '-fp' : '-fn', hfs.imageFile(login, epoch)];
      const result = await run(argv, { timeoutMs: FSCK_MS });
      const isWell = result.exitCode === 0 || (fix && result.exitCode < 4);
      return isWell ? '' : lastWords(result);
    });
    const running = hfs.running.get(login)?.record;
    const mode = running?.epoch === epoch ? running.mode : null;
    checked.push({ login, epoch, mode, fsck: words });
  }
  return checked;
}

function lastWords({ stdout, stderr }: { stdout: string; stderr: string }): string {
  return (stdout + stderr).trim().split('\n').slice(-2).join('; ');
}
