import { expect } from 'chai';
import { inRange, parseIp, parseRange } from '../../src/lib/net.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { type Answers, registerByHand } from '../../src/lib/lab/register.ts';
import { askForLease } from '../../src/lib/lab/seat.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';

describe('a PC that nobody knows', function () {
  this.timeout(6 * STEP_MS);
  let lab: TestLab;
  before(async function () {
    needsLab(this);
    lab = await startTestLab();
  });
  after(() => lab?.stop());

  it('sees the alien network and the alien view of DNS, and nothing else', async () => {
    const seat = await lab.plugSeat(labMac(9));
    const lease = await askForLease(seat);
    expect(lease).to.include({ router: '192.168.250.254', dns: '192.168.250.254', domain: 'prolo' });
    expect(inRange(parseIp(lease!.ip!)!, parseRange('192.168.250.1-192.168.250.253')!)).to.equal(true);
    expect(lease!.hostname).to.equal(undefined);

    const dig = async (...question: string[]): Promise<string> =>
      (await seat.run(['dig', '+short', '+time=2', '@192.168.250.254', ...question])).stdout.trim();
    expect(await dig('netboot.prolo')).to.equal('192.168.250.254');
    expect(await dig('mdb.prolo')).to.equal('');
    expect(await dig('pas-r01p01.prolo')).to.equal('');
    // The same questions from inside.
    expect(await lab.dig('192.168.1.254', 'netboot.prolo')).to.deep.equal(['192.168.1.254']);
    expect(await lab.dig('192.168.1.254', 'pas-r01p01.prolo')).to.deep.equal(['192.168.0.1']);

    const get = async (url: string): Promise<string> =>
      (await seat.run(['busybox', 'wget', '-q', '-O', '-', url])).stdout;
    expect(await get('http://192.168.250.254:20020/bootstrap')).to.match(/^#!ipxe\n/);
    expect(await get('http://192.168.1.254:20000/call/query')).to.equal('');
    expect(await get('http://192.168.1.254:20020/stages')).to.equal('');
  });

  it('is told that registration is off, and is offered it once it is on', async () => {
    const pc = await lab.plugPc({ name: 'off', mac: labMac(3) });
    await pc.console.waitFor(/is unknown here/, STEP_MS);
    await pc.console.waitFor(/Registration is off/, STEP_MS);
    await lab.prolo('mdb', 'setting', 'allow_self_registration', 'true');
    // "Try again", which is what the menu does by itself after a while.
    await pc.console.waitFor(/reboot/, STEP_MS);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // netboot remembers the setting for a second
    await pc.console.press('enter');
    await pc.console.waitFor(/Register this machine/, STEP_MS);
    await pc.stop();
  });

  it('registers by its keyboard, reboots, and boots on the second try with an address and name of its own', async () => {
    await lab.prolo('mdb', 'setting', 'allow_self_registration', 'true');
    const bios: Answers = { hostname: 'alt-r02p01', room: 'alt', rfs: 3, hfs: 5, mtype: 'user' };
    const uefi: Answers = { hostname: 'alt-r02p02', room: 'alt', rfs: 7, hfs: 7, mtype: 'orga' };
    const first = await Promise.all([
      registerAndBoot('bios', labMac(1), bios),
      registerAndBoot('uefi', labMac(2), uefi),
    ]);
    // Both from one pool, whoever was faster.
    expect(first.map(({ ip }) => ip).sort()).to.deep.equal(['192.168.0.127', '192.168.0.128']);

    for (const [i, answers] of [bios, uefi].entries()) {
      const { mac, ip, alien, console } = first[i]!;
      const pool = parseRange('192.168.250.1-192.168.250.253')!;
      expect(inRange(parseIp(alien)!, pool), alien).to.equal(true);
      expect(console).to.contain(
        `LAB address ${ip}/23 host=${answers.hostname} domain=prolo dns=192.168.1.254`,
      );
      expect(console).to.contain(`LAB name ${answers.hostname} is ${ip}`);
      expect(console).to.match(
        new RegExp(`^LAB arguments .*nfsroot=192\\.168\\.1\\.${answers.rfs + 1}:/export/nfsroot_ro,ro`, 'm'),
      );
      const record = JSON.parse(await lab.prolo('mdb', 'show', answers.hostname, '--json')) as object;
      expect(record).to.include({ ...answers, mac, ip, is_faulty: false });
      expect(await lab.dig('192.168.1.254', `${answers.hostname}.prolo`)).to.deep.equal([ip]);
      expect(await lab.dig('192.168.1.254', '-x', ip)).to.deep.equal([`${answers.hostname}.prolo.`]);
    }
  });

  async function registerAndBoot(firmware: 'bios' | 'uefi', mac: string, answers: Answers) {
    const pc = await lab.plugPc({ name: firmware, mac, firmware, limitSeconds: 400 });
    const [, alien = ''] = await pc.console.waitFor(/net0: (192\.168\.\d+\.\d+)\//, STEP_MS);
    await registerByHand(pc.console, lab.site.config, answers, STEP_MS);
    const [, ip = ''] = await pc.console.waitFor(
      new RegExp(`registered: ${answers.hostname} with address (\\S+) for ${mac}`),
      STEP_MS,
    );
    await pc.console.waitFor(/^LAB OK init/m, 2 * STEP_MS);
    await pc.off;
    await pc.stop();
    return { mac, alien, ip, console: pc.console.text() };
  }
});
