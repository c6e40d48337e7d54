import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { run, runOk, type RunResult } from '../../src/lib/exec.ts';
import { buildGuestInitramfs } from '../../src/lib/lab/initramfs.ts';
import { kernelDir, needKernel } from '../../src/lib/lab/kernel.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { labDraft } from '../../src/lib/lab/site.ts';
import { initRoot, planInit } from '../../src/lib/rfs/root/init.ts';
import { eventually, needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';
import { findProgram, needs } from '../support/needs.ts';

const PACKAGES =
  'systemd-sysv libpam-systemd udev dbus kmod login passwd openssh-server iproute2 procps libstdc++6 tzdata';
/** A person, not one of UDB: this is about limits, and those hold for everybody but root. */
const PERSON = { login: 'eve', uid: 13_000 };
const TASKS = 300;

/** The guest's own init; then systemd is its first process. */
const BOOT = `#!/bin/sh
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/prolo /run/systemd/network
printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\n' >/run/systemd/network/05-prolo.network
exec /sbin/init
`;

describe('a person at a PC of the site', function () {
  this.timeout(8 * STEP_MS);
  let dir: string;
  let lab: TestLab;
  let address: string;
  const at = (name: string): string => join(dir, name);

  before(async function () {
    needsLab(this);
    needs(this, {
      mmdebstrap: 'mmdebstrap',
      mksquashfs: 'squashfs-tools',
      ssh: 'openssh-client',
      depmod: 'kmod',
    });
    dir = mkdtempSync(join(tmpdir(), 'prolo-e2e-limits-'));
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')]);
    lab = await startTestLab({
      ...labDraft,
      rfs: { staging: at('staging') },
      limits: { tasks: TASKS, memoryPercent: 50, linkMbit: 100 },
    });
    await lab.prolo(
      'mdb',
      'add',
      '--hostname',
      'alt-r01p01',
      '--mac',
      labMac(1),
      '--rfs',
      '0',
      '--room',
      'alt',
    );
    const name = `alt-r01p01.${lab.site.config.domain}`;
    const found = await eventually(
      () => lab.dig(lab.network.gateway, name),
      ({ length }) => length > 0,
    );
    address = found[0]!;
    const kernel = needKernel(kernelDir());
    const plan = { ...(await planInit(lab.site)), packages: PACKAGES.split(' ') };
    await initRoot(lab.site, plan, { actor: 'test', onStep: () => undefined });
    await furnish(at('staging'), kernel.modules, kernel.version);
    const plain = ['-noI', '-noD', '-noF', '-noX', '-no-xattrs', '-quiet', '-no-progress'];
    await runOk(['mksquashfs', at('staging'), at('root.squashfs'), ...plain], { timeoutMs: STEP_MS });
    writeFileSync(at('initrd'), buildGuestInitramfs(kernel, findProgram('busybox')!, []));
    await lab.plugPc({
      name: 'alt-r01p01',
      mac: labMac(1),
      memoryMib: 1024,
      limitSeconds: 600,
      direct: {
        kernel: kernel.vmlinuz,
        initrd: at('initrd'),
        arguments: 'quiet console=ttyS0 panic=-1 net.ifnames=0 mitigations=off',
        disk: at('root.squashfs'),
        channel: at('channel'),
      },
    });
    await lab.until('sshd', async () => (await as('root', 'true')).exitCode === 0, 3 * STEP_MS);
  });
  after(async () => {
    await lab?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  /** What a site does not do: an account by hand, keys, no daemons that ask the gateway. */
  async function furnish(tree: string, modules: string, version: string): Promise<void> {
    const keys = readFileSync(at('key.pub'), 'utf8');
    const { login, uid } = PERSON;
    appendFileSync(join(tree, 'etc/passwd'), `${login}:x:${uid}:${uid}::/home/${login}:/bin/bash\n`);
    appendFileSync(join(tree, 'etc/group'), `${login}:x:${uid}:\n`);
    appendFileSync(join(tree, 'etc/shadow'), `${login}:*:19000::::::\n`);
    for (const home of ['root', `home/${login}`]) {
      mkdirSync(join(tree, home, '.ssh'), { recursive: true, mode: 0o700 });
      writeFileSync(join(tree, home, '.ssh/authorized_keys'), keys, { mode: 0o600 });
    }
    await runOk(['chown', '-R', `${uid}:${uid}`, join(tree, 'home', login)]);
    for (const name of ['presenced', 'passwd', 'rootssh'])
      rmSync(join(tree, `etc/systemd/system/multi-user.target.wants/prolo-${name}.service`));
    const lists = readdirSync(modules).filter((name) => name.startsWith('modules.'));
    // Those of traffic; the fewer there are, the less has udev to load.
    for (const name of [...lists, 'kernel/net/sched', 'kernel/drivers/net/ifb.ko'])
      cpSync(join(modules, name), join(tree, 'usr/lib/modules', version, name), { recursive: true });
    mkdirSync(join(tree, 'usr/lib/prolo-lab'));
    writeFileSync(join(tree, 'usr/lib/prolo-lab/guest-boot'), BOOT, { mode: 0o755 });
  }

  const ssh = (login: string): string[] => [
    ...[
      'ip',
      'netns',
      'exec',
      lab.network.netns,
      'ssh',
      '-n',
      '-F',
      '/dev/null',
      '-i',
      at('key'),
      '-o',
      'BatchMode=yes',
    ],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    ...['-o', 'ConnectTimeout=15', `${login}@${address}`],
  ];
  function as(login: string, command: string, timeoutMs = STEP_MS): Promise<RunResult> {
    return run([...ssh(login), command], { timeoutMs });
  }
  async function root(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await as('root', command);
    if (exitCode !== 0) throw new Error(`${command}: status ${exitCode}: ${stderr}`);
    return stdout;
  }

  it('is in a slice with limits, and root in one without', async () => {
    const asked =
      'cat /proc/self/cgroup; systemctl show user-$(id -u).slice -p TasksMax -p MemoryMax -p MemorySwapMax';
    const { stdout } = await as(PERSON.login, asked);
    expect(stdout).to.match(/user-13000\.slice\/session/);
    expect(stdout)
      .to.match(new RegExp(`^TasksMax=${TASKS}$`, 'm'))
      .and.match(/^MemorySwapMax=0$/m);
    const mebibytes = Number(/^MemoryMax=(\d+)$/m.exec(stdout)?.[1]) / 1024 ** 2;
    expect(mebibytes).to.be.within(400, 512);
    expect(await root(asked))
      .to.match(/^TasksMax=infinity$/m)
      .and.match(/^MemoryMax=infinity$/m);
  });

  it('forks without end, and root still gets in and ends it', async () => {
    // The shell that began it stays, or the session would end, and all of it.
    const bomb = await lab.start('bomb', [
      ...ssh(PERSON.login).slice(4),
      ':(){ :|:& };: 2>/dev/null; while :; do :; done',
    ]);
    const slice = '/sys/fs/cgroup/user.slice/user-13000.slice';
    await eventually(
      () => root(`cat ${slice}/pids.events`),
      (text) => /^max [1-9]/.test(text),
      STEP_MS,
    );
    const begunMs = Date.now();
    expect(Number(await root(`cat ${slice}/pids.current`))).to.be.at.most(TASKS);
    report('a command of root’s in a fork bomb', Date.now() - begunMs);
    await root('systemctl kill --signal=KILL user-13000.slice');
    await bomb.ended;
    await eventually(
      () => root(`cat ${slice}/pids.current 2>/dev/null || echo 0`),
      (text) => Number(text) < 5,
      STEP_MS,
    );
    expect((await as(PERSON.login, 'echo back')).stdout).to.equal('back\n');
  });

  it('takes all memory, and is killed alone', async () => {
    const hog = as(PERSON.login, 'tail /dev/zero; echo ended $?', 2 * STEP_MS);
    const begunMs = Date.now();
    await root('true');
    report('a command of root’s beside who takes all memory', Date.now() - begunMs);
    expect((await hog).stdout).to.equal('ended 137\n');
    expect(await root('dmesg')).to.match(/Memory cgroup out of memory: Killed process \d+ \(tail\)/);
    expect(await root('systemctl show ssh -p NRestarts')).to.equal('NRestarts=0\n');
  });

  it('fills what all may write to, which leaves memory, and is empty when the person has gone', async () => {
    const fill =
      'for f in /tmp /var/tmp; do head -c 1G /dev/zero >$f/full 2>/dev/null; done; du -cm /tmp/full /var/tmp/full | tail -n 1';
    const { stdout } = await as(PERSON.login, fill, 2 * STEP_MS);
    expect(Number(stdout.split('\t')[0])).to.be.within(200, 400);
    await eventually(
      () => root('ls /tmp /var/tmp'),
      (text) => !text.includes('full'),
      STEP_MS,
    );
    expect(await root('ls /tmp /var/tmp')).not.to.include('full');
  });

  it('has a link on which SSH has its share, with queues that are fair', async () => {
    expect(await root('journalctl --no-pager -o cat -u prolo-shaping')).to.match(
      /^shaping: what eth0 sends, and what it receives: 95000 kbit\/s/m,
    );
    const queues = await root('tc qdisc show dev eth0; tc qdisc show dev prolo-in');
    expect(queues.match(/^qdisc fq_codel/gm)).to.have.lengthOf(6);
  });
});

/** A figure, for who reads the output. */
function report(what: string, ms: number): void {
  console.log(`      ${what}: ${(ms / 1000).toFixed(1)} s`);
}
