import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createKeeper } from '../../../src/lib/firewall/keeper.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

/** Notes what it is asked for, takes everything, knows of nothing, and waits while there is a file `hold`. */
const NFT = `#!/bin/sh
cd "\${0%/*}" || exit 1
case "$1" in
-j) echo look >> asked; echo '{"nftables": []}'; exit 0 ;;
esac
cat > last && echo tell >> asked
for i in $(seq 200); do [ -e hold ] || exit 0; sleep 0.05; done
`;

describe('what keeps nftables at who reaches the internet', () => {
  let dir: string;
  let test: TestSite;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-keeper-'));
    writeFileSync(join(dir, 'nft'), NFT, { mode: 0o755 });
    test = await makeTestSite({ firewall: { nft: [join(dir, 'nft')] } });
  });
  after(async () => {
    rmSync(dir, { recursive: true });
    await test.remove();
  });
  const asked = (): string[] => readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n');
  const until = async (is: () => boolean): Promise<void> => {
    for (let tries = 0; !is(); tries++) {
      if (tries > 300) throw new Error(`never so: ${asked().join(' ')}`);
      await sleep(20);
    }
  };

  it('looks again also where it was told to while nft was at work', async () => {
    const keeper = await createKeeper(test.site.config, silentLog);
    try {
      writeFileSync(join(dir, 'hold'), '');
      keeper.want({ internet: new Set(['192.168.0.1']), lent: new Set(['192.168.0.2']) });
      await until(() => asked().length === 2);
      keeper.check();
      rmSync(join(dir, 'hold'));
      await until(() => asked().includes('look') && asked().at(-1) === 'tell');
      expect(asked()).to.deep.equal(['tell', 'tell', 'look', 'tell']);
      const told = readFileSync(join(dir, 'last'), 'utf8');
      for (const line of [' internet { 192.168.0.1 }', ' lent { 192.168.0.2 }'])
        expect(told).to.include(line);
      await keeper.settled();
    } finally {
      rmSync(join(dir, 'hold'), { force: true });
      await keeper.close();
    }
  });
});
