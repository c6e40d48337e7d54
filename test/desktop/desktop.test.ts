import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Pc } from '../../src/lib/lab/lab.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { LAB_GATEWAY, labDraft } from '../../src/lib/lab/site.ts';
import { configureRoot } from '../../src/lib/rfs/root/configure.ts';
import { initRoot, planInit } from '../../src/lib/rfs/root/init.ts';
import { proloBin } from '../support/cli.ts';
import { needsLab } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { countColours, differingPixels, openScreen, type Screen } from '../support/qmp.ts';
import { type RfsLab, rfsLabPackages, startRfsLab } from '../support/rfs-lab.ts';

/** A shell in place of the login on the serial port, for the test to ask. */
const SHELL = `[Service]
ExecStart=
ExecStart=-/bin/sh -c 'echo SHELL is up; exec /bin/sh'
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
TTYReset=no
TTYVHangup=no
`;
/** Drivers of hardware that QEMU does not have. */
const LEFT_OUT = ['firmware-amd-graphics', 'firmware-misc-nonfree', 'firmware-realtek', 'firmware-bnx2'];
const PERSON = { login: 'marie', password: 'correcthorse' };
const MAKE_MS = 600_000;
const BOOT_MS = 300_000;
// PROLO_DESKTOP_ROOT is staging that `prolo rfs init --profile desktop` has made before, for who runs this often.
const LOG = '/var/log/lightdm/lightdm.log';
/** Where pictures of the screen are afterwards. */
const PICTURES = process.env.PROLO_PICTURES ?? join(tmpdir(), 'prolo-desktop');

describe('a PC with the profile desktop', function () {
  this.timeout(MAKE_MS + BOOT_MS);
  let lab: RfsLab;
  let pc: Pc;
  let screen: Screen;
  const picture = (name: string): string => join(PICTURES, `${name}.png`);

  before(async function () {
    needsLab(this);
    needs(this, { ...rfsLabPackages, mmdebstrap: 'mmdebstrap' });
    mkdirSync(PICTURES, { recursive: true });
    lab = await startRfsLab({
      // What a PC is told must not be itself.
      draft: {
        ...labDraft,
        serviceUrl: `http://${LAB_GATEWAY}:{port}`,
        rfs: { packages: LEFT_OUT.map((name) => `-${name}`) },
      },
      pcs: 1,
    });
    await makeStaging();
    const unit = join(lab.staging, 'etc/systemd/system/serial-getty@ttyS0.service.d');
    mkdirSync(unit, { recursive: true });
    writeFileSync(join(unit, 'test.conf'), SHELL);
    const password = join(lab.work, 'password');
    writeFileSync(password, `${PERSON.password}\n`);
    await lab.prolo('udb', 'add', PERSON.login, '--password-file', password);
    const commit = [process.execPath, proloBin, 'rfs', 'commit', '-m', 'a desktop'];
    const { exitCode, stderr } = await lab.run(commit, {
      env: { PROLO_CONFIG: lab.site.file },
      timeoutMs: MAKE_MS,
    });
    expect(exitCode, stderr).to.equal(0);

    const monitor = join(lab.work, 'monitor');
    pc = await lab.plugPc({ name: 'desktop', mac: labMac(1), memoryMib: 2048, limitSeconds: 900, monitor });
    await pc.console.waitFor(/SHELL is up/, BOOT_MS);
    screen = await openScreen(monitor);
  });
  after(async () => {
    screen?.close();
    await lab?.stop();
  });

  async function makeStaging(): Promise<void> {
    const made = process.env.PROLO_DESKTOP_ROOT;
    if (made) {
      execFileSync('cp', ['-a', '--reflink=auto', made, lab.staging]);
      await configureRoot(lab.site, lab.staging);
    } else {
      const plan = await planInit(lab.site, ['desktop']);
      await initRoot(lab.site, plan, { actor: 'test', onStep: () => undefined });
    }
  }

  /** Runs a line in the guest. @returns its output */
  async function ask(line: string, waitMs = BOOT_MS): Promise<string> {
    await pc.console.type(`${line}; echo "DO""NE $?"\n`);
    const before = pc.console.text().length;
    await pc.console.waitFor(/DONE \d+/, waitMs);
    return pc.console.text().slice(before).replaceAll('\r', '');
  }

  /** Asks until it is so. */
  const until = (condition: string, seconds = 120): Promise<string> =>
    ask(
      `n=0; until ${condition}; do sleep 1; n=$((n+1)); [ $n -lt ${seconds} ] || break; done; ${condition}`,
    );

  async function look(name: string): Promise<Buffer> {
    await screen.shoot(picture(name));
    const raw = join(lab.work, `${name}.ppm`);
    await screen.shoot(raw, 'ppm');
    return readFileSync(raw);
  }

  it('shows its greeter', async () => {
    const onX = 'XAUTHORITY=/var/run/lightdm/root/:0 DISPLAY=:0';
    expect(await until(`${onX} xwininfo -root -tree 2>/dev/null | grep lightdm-gtk-greeter`)).to.match(
      /lightdm-gtk-greeter[\s\S]*DONE 0/,
    );
    expect(await until('[ "$(loginctl show-session c1 -p Class --value)" = greeter ]')).to.contain('DONE 0');
    let colours = 0;
    for (let tries = 0; colours < 20 && tries < 60; tries++) {
      colours = countColours(await look('greeter'));
      if (colours < 20) await ask('sleep 1');
    }
    expect(colours, picture('greeter')).to.be.at.least(20);
  });

  it('says why it does not let somebody in', async () => {
    expect(await until(`getent passwd ${PERSON.login}`)).to.contain('DONE 0');
    await ask('systemctl stop prolo-presenced');
    await screen.type(PERSON.login);
    await screen.press('ret');
    await until(`grep -q "Prompt greeter with 1 message" ${LOG}`);
    const attempt = async (password: string, result: string): Promise<Buffer> => {
      await screen.type(password);
      await screen.press('ret');
      expect(
        await until(`grep -q "Authenticate result for user ${PERSON.login}: ${result}" ${LOG}`),
      ).to.contain('DONE 0');
      await ask('sleep 5'); // until it is drawn
      return look(result.replaceAll(' ', '-').toLowerCase());
    };
    const refused = await attempt(PERSON.password, 'System error');
    expect(await ask('journalctl -b --no-pager | grep prolo-pam')).to.contain('(lightdm:account)');
    // Were it not the hook's sentence, it would be what everybody is told who mistypes.
    const mistyped = await attempt('another', 'Authentication failure');
    expect(differingPixels(refused, mistyped), PICTURES).to.be.above(1000);
  });
});
