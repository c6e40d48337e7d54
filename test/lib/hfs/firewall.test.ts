import { expect } from 'chai';
import { run } from '../../../src/lib/exec.ts';
import { renderTable } from '../../../src/lib/hfs/firewall.ts';
import { needs } from '../../support/needs.ts';

/** In a network of its own: a service and a home's port, asked by a client whose own port is one of the homes'. */
const INSIDE = `
ip link set lo up && nft -f - || exit 9
socat TCP-LISTEN:20000,reuseaddr 'EXEC:echo service' & service=$!
socat TCP-LISTEN:40001,reuseaddr 'EXEC:echo home' & home=$!
ask() { socat -T 2 - "TCP:127.0.0.1:$1,sourceport=$2,retry=30,interval=0.1,connect-timeout=1" </dev/null 2>&1; }
ask 20000 44001
socat -T 2 - TCP:127.0.0.1:40001,connect-timeout=1 </dev/null 2>&1 | grep -o 'timed out'
nft add element inet prolo-homes seats '{ 127.0.0.1 . 40001 }'
ask 40001 44002
kill $service $home 2>/dev/null
`;

/** The same, driven by its own module; prints who may connect after each step. */
const DRIVEN = `
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { createFirewall } from './src/lib/hfs/firewall.ts';
const config = { ports: '40000-49999', firewall: 'auto' };
const log = { warn: console.log, error: console.log };
const nft = (...args) => execFileSync('nft', args, { encoding: 'utf8' });
const show = (what) => {
  const [, elements = ''] = /elements = {([^}]*)}/.exec(nft('list', 'set', 'inet', 'prolo-homes', 'seats')) ?? [];
  const some = elements.split(',').map((one) => one.trim().split(' . ')[1]).filter(Boolean);
  console.log(what, some.sort().join(' '));
};
execFileSync('ip', ['link', 'set', 'lo', 'up']);
const peer = '10.0.0.1';
const home = createServer().listen(40001, '127.0.0.1');
const first = await createFirewall(config, log);
await first.allow({ peer, port: 40001 });
for (let port = 40100; port < 40130; port++) {
  await first.allow({ peer, port });
  await first.deny({ peer, port });
}
show('used:');
await first.allow({ peer, port: 40002 });
const second = await createFirewall(config, log);
show('killed:');
await second.allow({ peer, port: 40001 });
nft('flush', 'ruleset');
await second.allow({ peer, port: 40003 });
show('flushed:');
await second.deny({ peer: 'no address', port: 0 });
home.close();
`;

describe('the firewall of homes', () => {
  it('has a rule for each home that is served and no other, after a kill and after somebody flushed it too', async function () {
    this.timeout(30_000);
    needs(this, { nft: 'nftables', unshare: 'util-linux', ip: 'iproute2' });
    const argv = ['unshare', '-n', process.execPath, '--import=tsx', '--input-type=module', '-e', DRIVEN];
    const { stdout, stderr } = await run(argv);
    expect(stdout, stderr).to.equal('used: 40001\nkilled: 40001\nflushed: 40001 40003\n');
  });

  it('keeps strangers from a home, and no answer from a client of this host whose port is one of the homes’', async function () {
    needs(this, { nft: 'nftables', socat: 'socat', unshare: 'util-linux', ip: 'iproute2' });
    const { stdout } = await run(['unshare', '-n', 'sh', '-c', INSIDE], {
      input: renderTable('40000-49999'),
    });
    expect(stdout).to.equal('service\ntimed out\nhome\n');
  });
});
