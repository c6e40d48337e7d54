import { expect } from 'chai';
import { accountFiles } from '../../../src/lib/lab/guest-accounts.ts';
import { parseLdd } from '../../../src/lib/lab/guest-files.ts';
import { packageFolders } from '../../../src/lib/prolo-files.ts';
import { qemuArgv } from '../../../src/lib/lab/qemu.ts';

describe('guests with a userland', () => {
  it('take the libraries that ldd names, the loader too, each once', () => {
    const text = `/usr/bin/cat:
\tlinux-vdso.so.1 (0x00007ffd5a9f2000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0e2c000000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0e2c3f1000)
/usr/bin/sh:
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0e2c000000)
\tlibgone.so => not found
/usr/bin/busybox:
\tnot a dynamic executable
`;
    expect(parseLdd(text)).to.deep.equal(['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
  });

  it('take the npm packages that some others need, however far away', () => {
    const packages = {
      'node_modules/fastify': { dependencies: { pino: '1', avvio: '1' } },
      'node_modules/fastify/node_modules/avvio': { dependencies: { fastq: '1' } },
      'node_modules/pino': { dependencies: { fastify: '1' } },
      'node_modules/fastq': {},
      'node_modules/pdfkit': {},
    };
    expect(packageFolders({ packages }, ['fastify', 'gone'])).to.deep.equal([
      'node_modules/fastify',
      'node_modules/pino',
      'node_modules/fastq',
    ]);
  });

  it("know the site's users, whose hashes only root can read", () => {
    const user = {
      ...{
        id: 1,
        login: 'zmartin',
        firstname: 'Zoé',
        lastname: 'Martin',
        uid: 10001,
        group: 'user' as const,
      },
      ...{ password: '$6$salt$hash', shell: '/bin/bash', ssh_key: '' },
    };
    const [passwd, shadow, group] = accountFiles([user]);
    expect(passwd!.data).to.match(
      /^root:x:0:0:.*\n[^]*\nzmartin:x:10001:10001:Zoé Martin:\/home\/zmartin:\/bin\/bash\n$/,
    );
    expect(shadow!.data).to.match(/^root:\*:[^]*\nzmartin:\$6\$salt\$hash:20000::::::\n$/);
    expect(shadow!.mode).to.equal(0o600);
    expect(group!.data).to.match(/^root:x:0:\n[^]*\nzmartin:x:10001:\n$/);
  });

  it('start their own kernel, with a disk that nobody writes to and a channel', () => {
    const direct = {
      ...{ kernel: '/k', initrd: '/i', arguments: 'quiet console=ttyS0', disk: '/d', channel: '/c' },
    };
    const argv = qemuArgv(
      { name: 'a', mac: '52:54:00:00:00:01', limitSeconds: 9, memoryMib: 512, firmware: 'bios', direct },
      { tap: 'tap1' },
    ).join(' ');
    expect(argv)
      .to.contain('-kernel /k -initrd /i -append quiet console=ttyS0')
      .and.to.contain('readonly=on')
      .and.to.contain('path=/c,server=on')
      .and.not.to.contain('-boot n');
  });
});
