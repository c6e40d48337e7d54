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

describe('the firewall of homes', () => {
  it('keeps strangers from a home, and no answer from a client of this host whose port is one of the homes’', async function () {
    needs(this, { nft: 'nftables', socat: 'socat', unshare: 'util-linux', ip: 'iproute2' });
    const { stdout } = await run(['unshare', '-n', 'sh', '-c', INSIDE], {
      input: renderTable('40000-49999'),
    });
    expect(stdout).to.equal('service\ntimed out\nhome\n');
  });
});
