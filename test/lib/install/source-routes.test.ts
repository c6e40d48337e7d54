import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from '../../../src/lib/exec.ts';
import { packageRoot } from '../../../src/lib/package-root.ts';

const SCRIPT = join(packageRoot, 'templates/install/network/source-routes.sh');

/** What it tells `ip` of these cards, each with its lease. */
async function told(cards: Record<string, string | undefined>): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-routes-'));
  try {
    for (const name of ['bin', 'leases', 'net']) mkdirSync(join(dir, name));
    const log = join(dir, 'log');
    writeFileSync(log, '');
    writeFileSync(join(dir, 'bin/ip'), `#!/bin/sh\necho "$@" >>${log}\n`, { mode: 0o755 });
    writeFileSync(join(dir, 'net/bonding_masters'), 'bond0\n');
    for (const [index, [name, lease]] of Object.entries(cards).entries()) {
      mkdirSync(join(dir, 'net', name));
      writeFileSync(join(dir, 'net', name, 'ifindex'), `${index + 2}\n`);
      if (lease !== undefined) writeFileSync(join(dir, 'leases', String(index + 2)), lease);
    }
    const { exitCode, stderr } = await run(['sh', SCRIPT, join(dir, 'leases'), join(dir, 'net')], {
      env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}` },
    });
    expect(exitCode, stderr).to.equal(0);
    return readFileSync(log, 'utf8').trim().split('\n');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const lease = (ip: string, router = ''): string => `ADDRESS=${ip}\nNETMASK=255.255.254.0\n${router}`;

describe('routes by source', () => {
  it('are of cards that share their subnet, beside what is no card', async () => {
    const router = 'ROUTER=192.168.1.254\n';
    const cards = {
      lan0: lease('192.168.0.5', router),
      lan1: lease('192.168.1.6'),
      other: lease('192.168.2.7', router),
      down: undefined,
    };
    expect(await told(cards)).to.have.members([
      '-4 rule show priority 1000',
      'route replace 192.168.0.0/23 dev lan0 scope link table 1002',
      'route replace default via 192.168.1.254 dev lan0 table 1002',
      'route replace 192.168.0.0/23 dev lan1 scope link table 1003',
      '-4 rule add from 192.168.0.5 lookup 1002 priority 1000',
      '-4 rule add from 192.168.1.6 lookup 1003 priority 1000',
    ]);
  });

  it('are none where each card has its own subnet, and where there is no lease', async () => {
    expect(await told({ lan0: lease('192.168.0.5') })).to.deep.equal(['-4 rule show priority 1000']);
    expect(await told({ lan0: undefined })).to.deep.equal(['-4 rule show priority 1000']);
  });
});
