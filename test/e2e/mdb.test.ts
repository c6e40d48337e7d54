import { expect } from 'chai';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { askForLease } from '../../src/lib/lab/seat.ts';
import { eventually, needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';

describe('prolo mdb, and what the servers then answer', function () {
  this.timeout(2 * STEP_MS);
  let lab: TestLab;
  before(async function () {
    needsLab(this);
    lab = await startTestLab();
  });
  after(() => lab?.stop());
  const dig = (...question: string[]): Promise<string[]> => lab.dig('192.168.1.254', ...question);

  it('add: named and a DHCP offer know the machine at once; rm: they forget it', async () => {
    const mac = labMac(1);
    const seat = await lab.plugSeat(mac);
    expect((await askForLease(seat))?.ip).to.match(/^192\.168\.250\./);

    const added = JSON.parse(
      await lab.prolo(
        'mdb',
        'add',
        '--hostname',
        'alt-r01p01',
        '--mac',
        '5254.0070.6301',
        '--aliases',
        'window,door',
        '--room',
        'alt',
        '--json',
      ),
    ) as { ip: string; mac: string };
    expect(added).to.include({ mac, ip: '192.168.0.127' });
    for (const name of ['alt-r01p01', 'window', 'door'])
      expect(
        await eventually(
          () => dig(`${name}.prolo`),
          (lines) => lines.length > 0,
        ),
        name,
      ).to.deep.equal([added.ip]);
    expect(await dig('-x', added.ip)).to.deep.equal(['alt-r01p01.prolo.']);

    const lease = await eventually(
      () => askForLease(seat),
      (answer) => answer?.ip === added.ip,
    );
    expect(lease).to.include({
      ip: added.ip,
      hostname: 'alt-r01p01',
      mask: '23',
      router: '192.168.1.254',
      dns: '192.168.1.254',
      domain: 'prolo',
    });

    await lab.prolo('mdb', 'rm', 'alt-r01p01', '--yes');
    expect(
      await eventually(
        () => dig('window.prolo'),
        (lines) => lines.length === 0,
      ),
    ).to.deep.equal([]);
    const after = await eventually(
      () => askForLease(seat),
      (answer) => answer?.ip !== added.ip,
    );
    expect(after?.ip).to.match(/^192\.168\.250\./);
  });

  it('offers each kind of client what it can boot', async () => {
    const mac = labMac(2);
    await lab.prolo('mdb', 'add', '--hostname', 'alt-r01p02', '--mac', mac, '--room', 'alt');
    const seat = await lab.plugSeat(mac);
    await eventually(
      () => askForLease(seat),
      (lease) => lease?.hostname === 'alt-r01p02',
    );
    const files: [string, Parameters<typeof askForLease>[1], string | undefined][] = [
      ['BIOS', { vendorClass: 'PXEClient:Arch:00000:UNDI:002001', architecture: 0 }, 'undionly.kpxe'],
      ['UEFI', { vendorClass: 'PXEClient:Arch:00007:UNDI:003016', architecture: 7 }, 'ipxe.efi'],
      ['iPXE', { userClass: 'iPXE', architecture: 0 }, 'http://192.168.1.254:20020/bootstrap'],
      ['Linux', {}, undefined],
    ];
    for (const [kind, client, file] of files) {
      const lease = await askForLease(seat, client);
      expect(lease?.boot_file, kind).to.equal(file);
      expect(lease?.siaddr, kind).to.equal('192.168.1.254');
    }
    // And the files are there.
    for (const file of ['undionly.kpxe', 'ipxe.efi']) {
      const got = await seat.run(['busybox', 'tftp', '-g', '-r', file, '-l', '/dev/null', '192.168.1.254']);
      expect(got.exitCode, `${file}: ${got.stderr}`).to.equal(0);
    }
  });
});
