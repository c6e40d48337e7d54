import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start as startRootssh } from '../../src/daemons/rootssh.ts';
import { start as startUdbsync } from '../../src/daemons/udbsync.ts';
import { createReadiness } from '../../src/lib/accounts/ready.ts';
import { replaceKeys } from '../../src/lib/accounts/root-keys.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { runOk } from '../../src/lib/exec.ts';
import { silentLog } from '../../src/lib/log.ts';
import { addUser, removeUsers, updateUser } from '../../src/lib/udb/users.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('rootssh', function () {
  this.timeout(60_000);
  let test: TestSite;
  const running: RunningDaemon[] = [];
  const keys: string[] = [];
  const file = () => join(test.dir, 'root/.ssh/authorized_keys');

  before(async function () {
    needs(this, { 'ssh-keygen': 'openssh-client' });
  });
  beforeEach(async () => {
    test = await makeTestSite({ accounts: { root: '.' } });
    for (const n of [0, 1]) {
      await runOk([
        'ssh-keygen',
        '-q',
        '-t',
        'ed25519',
        '-N',
        '',
        '-C',
        `me@${n}`,
        '-f',
        join(test.dir, `key${n}`),
      ]);
      keys[n] = readFileSync(join(test.dir, `key${n}.pub`), 'utf8').trim();
    }
    const add = async (login: string, group: string, ssh_key: string) =>
      addUser(await test.store(), test.site.config, 'test', { login, group, ssh_key, password: 'a-password-1' }, test.site.secret('passwords.key')); // prettier-ignore
    await add('max', 'root', keys[0]!);
    await add('zoe', 'user', keys[1]!);
    await add('ann', 'root', '');
  });
  afterEach(async () => {
    for (const one of running.splice(0).reverse()) await one.close();
    await test.remove();
  });
  const start = async () => {
    running.push(await startUdbsync(test.context), await startRootssh(test.context));
  };
  async function until(login: string, there = true): Promise<void> {
    for (let look = 0; look < 2000; look++) {
      if (existsSync(file()) && readFileSync(file(), 'latin1').includes(` ${login}\n`) === there) return;
      await sleep(10);
    }
    throw new Error(`never: ${login} ${there}`);
  }
  const short = (n: number, login: string): string => `${keys[n]!.split(' ').slice(0, 2).join(' ')} ${login}`;

  it('the keys of group root, and of nobody else, in a file that only root reads; the comment is the login', async () => {
    await start();
    await until('max');
    const lines = readFileSync(file(), 'utf8').split('\n').filter((line) => line && !line.startsWith('#')); // prettier-ignore
    expect(lines).to.deep.equal([short(0, 'max')]);
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(statSync(join(test.dir, 'root/.ssh')).mode & 0o777).to.equal(0o700);
  });

  it('what else is in the file stays byte for byte, with its mode; a key that is taken back in UDB is gone', async () => {
    mkdirSync(join(test.dir, 'root/.ssh'), { recursive: true });
    const own = Buffer.from(`# of ours \xff\r\n${keys[1]} site\ncommand="x y" ${keys[1]}`, 'latin1');
    writeFileSync(file(), own);
    chmodSync(file(), 0o640);
    await start();
    await until('max');
    expect(readFileSync(file()).subarray(0, own.length)).to.deep.equal(own);
    expect(statSync(file()).mode & 0o777).to.equal(0o640);
    const store = await test.store();
    await updateUser(store, test.site.config, 'test', 'ann', { ssh_key: keys[1]! }, '');
    await until('ann');
    await removeUsers(store, test.site.config, 'test', ['max']);
    await until('max', false);
    await updateUser(store, test.site.config, 'test', 'ann', { ssh_key: '' }, '');
    await until('ann', false);
    expect(readFileSync(file(), 'latin1')).to.equal(`${own.toString('latin1')}\n`);
  });

  it('without udbsync, and when it has no users at all, keys stay', async () => {
    await start();
    await until('max');
    const before = readFileSync(file(), 'utf8');
    await removeUsers(await test.store(), test.site.config, 'test', ['max', 'zoe', 'ann']);
    await sleep(500); // what must not happen cannot be waited for
    expect(readFileSync(file(), 'utf8')).to.equal(before);
    await running[0]!.close();
    await sleep(200);
    expect(readFileSync(file(), 'utf8')).to.equal(before);
  });

  it('marks that are damaged take nothing of anybody else with them', () => {
    const [begin = '', , end = ''] = replaceKeys('', ['ssh-ed25519 AAAA max']).split('\n');
    for (const [text, now] of [
      [`${begin}\nmine\n`, `${begin}\nK\n${end}\nmine\n`],
      [`mine\n${end}\nmine too\n`, `mine\n${begin}\nK\n${end}\nmine too\n`],
      [`${begin}\nmine\n${begin}\nold\n${end}\n`, `${begin}\nK\n${end}\nmine\n`],
      [`${begin}\nold\n${end}\nmine\n${begin}\nolder\n${end}`, `${begin}\nK\n${end}\nmine\n`],
      ['mine', `mine\n${begin}\nK\n${end}\n`],
    ])
      expect(replaceKeys(text!, ['K']), text).to.equal(now);
  });
});

describe('the start of a host that waits for accounts', () => {
  const ready = (waitMs: number) => {
    const said: string[] = [];
    const note = (text: string): Promise<void> => Promise.resolve(void said.push(text));
    const told = createReadiness(
      { name: 'passwd', url: 'http://udbsync', waitMs, log: silentLog },
      (status) => note(`systemd: ${status}`),
      (text) => note(`console: ${text}`),
    );
    return { said, told };
  };

  it('goes on once they are there, and systemd hears of it once', async () => {
    const { said, told } = ready(30);
    told.now();
    told.now();
    await sleep(80);
    expect(said).to.deep.equal(['systemd: passwd: up to date']);
  });

  it('goes on without them after a while, with a sentence on the console', async () => {
    const { said, told } = ready(20);
    for (let look = 0; look < 500 && said.length < 2; look++) await sleep(10);
    told.now();
    expect(said[0]).to.match(/^systemd: nothing of UDB after 0.02 s/);
    expect(said[1]).to.match(/^console: prolo: nothing of UDB .* only root can log in here$/);
    expect(said).to.have.length(2);
  });
});
