import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { runOk } from '../../src/lib/exec.ts';
import type { Console } from '../../src/lib/lab/console.ts';
import type { Pc } from '../../src/lib/lab/lab.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { LAB_GATEWAY } from '../../src/lib/lab/site.ts';
import type { Finding } from '../../src/lib/doctor/check.ts';
import type { Outcome } from '../../src/lib/doctor/examine.ts';
import type { Walk } from '../../src/lib/doctor/login/walk.ts';
import { databaseUrl } from '../../src/lib/site/site.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { listPrivateUsers } from '../../src/lib/udb/users.ts';
import { proloBin } from '../support/cli.ts';
import { homesDraft, needsGuests } from '../support/guests.ts';
import { STEP_MS } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { type RfsLab, rfsLabPackages, startRfsLab } from '../support/rfs-lab.ts';

/** The profile `base` of the site: what a machine needs, and the smallest kernel that the lab's PCs run. */
const PACKAGES =
  'linux-image-cloud-amd64 busybox-static cryptsetup-bin kmod systemd-sysv libpam-systemd libpam-modules udev dbus systemd-timesyncd login passwd curl nbd-client e2fsprogs openssh-server iproute2 procps pamtester';
/** What is emulated takes a minute on two quiet cores, and many times as long where others use them too. */
const BOOT_MS = 4 * STEP_MS;
const LEASE_SECONDS = 60;
const PROMPT = /[$] $/;

/** What a start, and the accounts in it, may take on a PC would be too little for an emulated one on a machine that has other things to do. */
const PATIENCE = { 'etc/systemd/system/service.d/lab.conf': '[Service]\nTimeoutStartSec=600\n' };

/** Asks PAM for an account twice a second, from the moment on that a door may ask; says on the console what fails. */
const probe = (login: string, password: string) => ({
  'etc/pam.d/lab-probe': '@include common-auth\n@include common-account\n',
  'etc/systemd/system/lab-probe.service': `[Unit]
After=systemd-user-sessions.service
Before=getty.target serial-getty@ttyS0.service
[Service]
ExecStart=/usr/local/sbin/lab-probe
[Install]
WantedBy=multi-user.target
`,
  'usr/local/sbin/lab-probe': `#!/bin/sh
checks=0 failures=0
while :; do
  echo '${password}' | pamtester lab-probe '${login}' authenticate acct_mgmt >/run/lab-probe.said 2>&1 || {
    failures=$((failures + 1))
    echo "PROBE FAILED $(tail -n 1 /run/lab-probe.said)" >/dev/console
  }
  checks=$((checks + 1))
  echo "$checks checks $failures failures" >/run/lab-probe
  sleep 0.5
done
`,
});

/** Of `prolo doctor login`. */
const ACCOUNT = 'ztest';

interface DoctorSaid {
  status: number;
  checks: Outcome[];
  seats?: Walk[];
}

describe('a Debian on two file servers, from its packages to a login', function () {
  this.timeout(4 * BOOT_MS);
  let lab: RfsLab;
  let login = '';
  let password = '';
  const issue = (text: string): void =>
    writeFileSync(join(lab.staging, 'etc/issue'), `This is ${text}, on \\l\n`);

  before(async function () {
    needsGuests(this);
    needs(this, { ...rfsLabPackages, mmdebstrap: 'mmdebstrap' });
    lab = await startRfsLab({
      draft: {
        ...homesDraft,
        serviceUrl: `http://${LAB_GATEWAY}:{port}`,
        presence: { timeoutSeconds: 30 },
        dhcp: { ...homesDraft.dhcp, leaseSeconds: LEASE_SECONDS },
      },
      lab: { ownNames: true },
      pcs: 2,
    });
    const { site } = lab;
    const store = await openStore(databaseUrl(site));
    const people = await listPrivateUsers(store.knex, site.secret('passwords.key')).finally(() =>
      store.close(),
    );
    ({ login, password } = people.find(({ group }) => group === 'user')! as {
      login: string;
      password: string;
    });
    const root = people.find(({ group }) => group === 'root')!;
    await lab.prolo('udb', 'add', ACCOUNT, '--group', 'user');
    await lab.prolo('udb', 'set', root.login, '--ssh-key', join(lab.work, 'identity.pub'));
    // What it is made of comes from where this machine's packages come from, so outside of the lab's network.
    mkdirSync(join(site.dir, 'rfs'));
    writeFileSync(join(site.dir, 'rfs/base.txt'), PACKAGES.replaceAll(' ', '\n'));
    await makeStaging(lab);
    for (const [path, text] of Object.entries({ ...PATIENCE, ...probe(login, password) })) {
      mkdirSync(dirname(join(lab.staging, path)), { recursive: true });
      writeFileSync(join(lab.staging, path), text, { mode: path.includes('bin/') ? 0o755 : 0o644 });
    }
    appendFileSync(join(lab.staging, 'etc/prolo/prolo.yml'), 'accounts: { waitSeconds: 200 }\n');
    await runOk(['chroot', lab.staging, 'systemctl', 'enable', 'lab-probe.service']);
    issue('the first');
    await startHomes(lab);
    await lab.prolo('rfs', 'commit', '-m', 'Debian');
  });
  after(() => lab?.stop());
  afterEach(function () {
    if (this.currentTest?.state !== 'passed') console.log(lab.lastWords());
  });

  it('boots to a login, the home comes over the network, a commit changes nothing before the next boot, nor a rollback', async () => {
    const pc = await lab.boot(1, { limitSeconds: 1200 });
    await pc.console.waitFor(/^This is the first, on ttyS0\n/m, BOOT_MS);
    const one = await logIn(pc, login, password);
    expect(await one('cat /run/prolo/version')).to.match(/^1$/m);
    expect(await one('grep $HOME /proc/mounts')).to.match(
      new RegExp(`^/dev/nbd\\d+ /home/${login} ext4 rw`, 'm'),
    );
    await one('echo mine >file; sync file');

    issue('the second');
    await lab.prolo('rfs', 'commit', '-m', 'another greeting');
    expect(await one('cat /etc/issue')).to.contain('This is the first');
    expect(await one('cat /run/prolo/version')).to.match(/^1$/m);

    // The card is networkd's now, keeps its address, and is leased it again and again.
    const status = await asRoot(
      1,
      'networkctl --no-pager list; ip -4 -o addr; systemctl --failed --no-legend',
    );
    expect(status).to.match(/ether\s+routable\s+configured/);
    expect(status).to.match(/192\.168\.\d+\.\d+\/23 .*valid_lft forever/);
    expect(status).not.to.contain('failed');
    await lab.until('a renewal', () => leases(1) >= 4, 2 * LEASE_SECONDS * 1000);
    expect(failures(pc)).to.deep.equal([]);
    expect(await one('cat /run/lab-probe')).to.match(/^[1-9]\d* checks 0 failures$/m);

    await examine(pc);

    // It starts anew by itself; once the other is on its way, all is taken back.
    await asRoot(1, 'systemctl reboot').catch(() => undefined); // the connection ends with the machine
    await pc.console.waitFor(/^prolo: version 2 from [\d.]+, as [\d.]+$/m, BOOT_MS);
    await lab.prolo('rfs', 'rollback');
    const other = await lab.boot(2, { limitSeconds: 1200 });
    await Promise.all([
      pc.console.waitFor(/^This is the second, on ttyS0\n/m, BOOT_MS),
      other.console.waitFor(/^This is the first, on ttyS0\n/m, BOOT_MS),
    ]);
    const two = await logIn(other, login, password);
    expect(await two('cat file /run/prolo/version')).to.match(/^mine\n1$/m);
    expect([pc, other].flatMap(failures)).to.deep.equal([]);
    await Promise.all([pc.stop(), other.stop()]);
  });

  /** The doctor at a PC where somebody is logged on at the console, who then leaves for a test account. */
  async function examine({ console }: Pc): Promise<void> {
    const name = lab.pcName(1);
    const found = await lookFrom(name, 'network dhcp dns nfs homes rfs lldp units'.split(' '));
    const [rfs] = found.filter(({ check }) => check === 'rfs');
    expect(rfs).to.include({ colour: 'yellow', what: `${name}: it runs version 1, and would boot 2` });
    expect(found.filter(({ colour }) => colour === 'red')).to.deep.equal([]);
    expect(found.map(({ check }) => check)).to.include.members(['ssh', 'network', 'dns', 'nfs', 'homes']);

    await console.type('exit\r');
    await console.waitFor(/login: $/, BOOT_MS);
    const { seats: well } = await doctor('login', name, '--yes', '--login', ACCOUNT);
    expect(well![0]!.stopped, JSON.stringify(well)).to.equal(undefined);
    expect(well![0]!.passed).to.include.members(['hook', 'home', 'mount', 'writable', 'released', 'gone']);

    await asRoot(1, 'modprobe -r nbd');
    const { seats: stopped, checks, status } = await doctor('login', name, '--yes', '--login', ACCOUNT);
    expect(status).to.equal(1);
    expect(stopped![0], JSON.stringify(stopped)).to.deep.include({
      stopped: { step: 'nbd', said: 'this machine has no free block device for a home' },
    });
    expect(stopped![0]!.left).to.equal(undefined);
    expect(checks[0]!.findings[0]!.fix).to.contain(`prolo doctor --from ${name} --only homes`);
    const [mend] = await lookFrom(name, ['homes']).then((all) =>
      all.filter(({ check }) => check === 'homes'),
    );
    expect(mend!.what).to.equal(`${name}: no network block devices: no home can be attached`);
    expect(mend!.fix).to.equal(`prolo pssh ${name} -- modprobe nbd`);
    await asRoot(1, 'modprobe nbd');
  }
  /** Again where an emulated machine was too slow for a check. */
  async function lookFrom(name: string, only: readonly string[]): Promise<(Finding & { check: string })[]> {
    for (let tries = 1; ; tries++) {
      const { checks } = await doctor('--from', name, ...only.flatMap((one) => ['--only', one]));
      const found = checks.flatMap((one) => one.findings.map((finding) => ({ ...finding, check: one.name })));
      if (tries === 3 || !found.some(({ what }) => /: no answer in |did not end/.test(what))) return found;
    }
  }
  async function doctor(...argv: string[]): Promise<DoctorSaid> {
    const { stdout, stderr, exitCode } = await lab.run(
      [process.execPath, proloBin, 'doctor', ...argv, '--json'],
      {
        env: { PROLO_CONFIG: lab.site.file },
        timeoutMs: 2 * STEP_MS,
      },
    );
    if (!stdout.startsWith('{')) throw new Error(`prolo doctor: ${stdout}${stderr}`);
    return { ...(JSON.parse(stdout) as DoctorSaid), status: exitCode };
  }

  /** By `prolo pssh`: with the key that UDB has of a root. */
  const asRoot = (n: number, command: string): Promise<string> =>
    lab.prolo('pssh', lab.pcName(n), '--', command);

  /** How often the nth PC was given an address. */
  const leases = (n: number): number =>
    readFileSync(join(lab.dir, 'kea.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('DHCP4_LEASE_ALLOC') && line.includes(labMac(n))).length;
});

async function makeStaging(lab: RfsLab): Promise<void> {
  await runOk([process.execPath, proloBin, 'rfs', 'init', '--yes', '--profile', 'base'], {
    env: { PROLO_CONFIG: lab.site.file },
    timeoutMs: 4 * STEP_MS,
  });
}

/** What the probe said on that PC's console. */
const failures = ({ console }: Pc): string[] => console.text().match(/^.*PROBE FAILED.*$/gm) ?? [];

/** HFS 1, on the gateway's wire; the file servers of the roots have the other numbers. */
async function startHomes(lab: RfsLab): Promise<void> {
  const skeleton = join(lab.site.dir, 'skeleton');
  mkdirSync(skeleton, { recursive: true });
  writeFileSync(join(skeleton, '.profile'), '# at home\n');
  await lab.run(['ip', 'addr', 'add', '192.168.1.2/23', 'dev', lab.network.bridge]);
  await lab.start('hfs1', [process.execPath, proloBin, 'daemon', 'hfs@1', '--config', lab.site.file]);
}

/** At the console. @returns what asks the shell, as they would */
async function logIn({ console }: Pc, login: string, password: string) {
  await console.waitFor(/login: $/, BOOT_MS);
  await console.type(`${login}\r`);
  await console.waitFor(/Password: /, STEP_MS);
  await console.type(`${password}\r`);
  await console.waitFor(PROMPT, STEP_MS);
  let count = 0;
  return (command: string): Promise<string> => ask(console, command, ++count);
}

async function ask(console: Console, command: string, count: number): Promise<string> {
  const from = console.text().length;
  await console.type(`${command}; echo "EN"D${count}\r`);
  await console.waitFor(new RegExp(`^END${count}$`, 'm'), STEP_MS);
  return console.text().slice(from);
}
