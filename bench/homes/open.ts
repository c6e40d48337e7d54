import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOk } from '../../src/lib/exec.ts';
import { makeSparse, mkfsArgv } from '../../src/lib/hfs/image.ts';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { makeHomesSite, userName } from '../../test/support/homes.ts';
import { atMost, type Bench, median } from '../figure.ts';
import { GIB, readOnce, settleDisk, timeMs } from '../support/homes.ts';

const RUNS = 25;

/** Request to port: of a home that is not there yet, beside mke2fs alone, and of one that nobody serves yet. */
const bench: Bench = async (report) => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-'));
  const homes = await makeHomesSite({ users: RUNS, seats: RUNS, sizeBytes: 2 * GIB });
  const { site } = homes;
  try {
    const hfs = createRpcClient(hfsUrl(site.config, 0), site.secret('hfs.control'));
    const [created, made, opened]: [number[], number[], number[]] = [[], [], []];
    for (let n = 1; n <= RUNS; n++) {
      const login = userName(n);
      await homes.login(login, homes.seat(0, n));
      const ours = async (): Promise<void> => {
        created.push(await timeMs(() => homes.getHfs(0, login)));
      };
      const peer = async (): Promise<void> => {
        const image = join(dir, 'peer.img');
        const argv = mkfsArgv({ uid: 10_000, gid: 10_000, tree: join(homes.test.dir, 'skeleton'), image });
        await makeSparse(image, 2 * GIB);
        made.push(await timeMs(() => runOk(argv)));
      };
      await settleDisk();
      for (const side of n % 2 ? [ours, peer] : [peer, ours]) await side();
      await hfs.call('stop', { login });
      await settleDisk();
      opened.push(await timeMs(() => homes.getHfs(0, login)));
      await readOnce(await homes.getHfs(0, login));
      await hfs.call('stop', { login });
    }
    const over = median(created) - median(made);
    const against = `${median(created).toFixed(1)} ms from request to port; mke2fs alone, same arguments: ${median(made).toFixed(1)} ms`;
    const slowest = `median of ${RUNS}, nobody served them; slowest ${Math.max(...opened).toFixed(0)} ms`;
    report(`a new home: ${against}`);
    report(`an existing one: ${median(opened).toFixed(1)} ms, ${slowest}`);
    return [
      atMost('home-new-over-mke2fs-ms', over, 50, against, RUNS),
      atMost('home-existing-ms', median(opened), 60, slowest, RUNS),
    ];
  } finally {
    await homes.close();
    rmSync(dir, { recursive: true, force: true });
  }
};
export default bench;
