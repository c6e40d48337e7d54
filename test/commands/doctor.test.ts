import { expect } from 'chai';
import { prolo } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo doctor, the command', function () {
  this.timeout(60_000);
  let test: TestSite;
  const doctor = (...args: string[]) => prolo(['doctor', ...args], { config: test.site.file });
  before(async () => {
    // Whatever it asks is asked of this host.
    const networks = [{ name: 'lan', cidr: '127.8.0.0/23', role: 'machines', gateway: '127.8.1.254' }];
    const pools = {
      user: '127.8.0.1-127.8.0.253',
      orga: 'user',
      service: '127.8.1.1-127.8.1.253',
      cluster: 'user',
    };
    test = await makeTestSite({ networks, pools });
  });
  after(() => test?.remove());

  it('prints a page, with what mends it, and ends with 1 when something is red', async () => {
    const { status, stdout, stderr } = await doctor('--only', 'services', '--only', 'database');
    expect(status, stderr).to.equal(1);
    expect(stdout).to.match(
      /^red {5}services {2}mdb: not running \(http:.*\)\n {18}systemctl restart prolo-mdb\n/,
    );
    expect(stdout).to.match(
      /\ngreen {3}database {2}sqlite:.*: 0 machines, 0 users\n\n2 checks: 1 green, 1 red\n$/,
    );
    expect(stderr).to.equal('');
  });

  it('ends with 0 when all is green, or yellow', async () => {
    const { status, stdout } = await doctor('--only', 'database', '--only', 'backup', '--json');
    expect(status).to.equal(0);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; colour: string }[] };
    expect(checks.map(({ name, colour }) => [name, colour])).to.deep.equal([
      ['database', 'green'],
      ['backup', 'yellow'],
    ]);
  });

  it('where no daemon answers at all, it ends all the same, within 12 s', async () => {
    const startedMs = performance.now();
    const { status } = await doctor();
    expect(status).to.equal(1);
    expect(performance.now() - startedMs).to.be.below(12_000);
  });

  it('names its checks, and refuses one that is none', async () => {
    const { stdout } = await doctor('--list');
    expect(stdout).to.match(/^CHECK +SUBJECT\n/);
    expect(stdout).to.match(/^foreign-dhcp +no other DHCP server on the wire$/m);
    const { status, stderr } = await doctor('--only', 'dsn');
    expect(status).to.equal(2);
    expect(stderr).to.match(/^prolo: check dsn: unknown\n +checks: units, services/);
  });

  it('without a key for the machines it says so at once, and how to name one', async () => {
    const add = 'mdb add --hostname m1 --mac 52:54:00:00:00:01 --mtype user --ip 127.8.0.20';
    expect((await prolo(add.split(' '), { config: test.site.file })).status).to.equal(0);
    const env = { HOME: test.dir, SSH_AUTH_SOCK: '' };
    const { status, stderr } = await prolo(['doctor', '--from', 'm1'], { config: test.site.file, env });
    expect(status).to.equal(8);
    expect(stderr).to.match(/^prolo: ssh: nothing to log in with: .*\n +.*--identity FILE/);
    const named = await prolo(['doctor', '--from', 'm1', '--identity', 'gone'], {
      config: test.site.file,
      env,
    });
    expect(named.stderr).to.include('gone');
  });

  it('doctor sso is a command of its own', async () => {
    const { status, stdout } = await doctor('sso', '127.8.0.9');
    expect(status).to.equal(1);
    expect(stdout).to.match(/^red {5}sso {2}MDB: no machine has the address 127\.8\.0\.9\n/);
  });
});
