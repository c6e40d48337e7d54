import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Guest } from '../../src/lib/lab/guest.ts';
import { startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';
import { homesDraft, makeSeats, needsGuests, type Seats } from '../support/guests.ts';

describe('a guest of the lab', function () {
  this.timeout(3 * STEP_MS);
  let lab: TestLab;
  let seats: Seats;
  let guest: Guest;
  before(async function () {
    needsGuests(this);
    lab = await startTestLab(homesDraft);
    seats = await makeSeats(lab, homesDraft);
    guest = await seats.plug('pas-r01p01', {
      files: [
        {
          path: 'etc/pam.d/lab',
          data: 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_exec.so stdout /bin/sh -c id\n',
        },
        {
          path: 'etc/pam.d/login',
          data: 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n',
        },
      ],
    });
  });
  after(() => lab?.stop());

  it('is a machine of MDB: its address, its name, the names of the others', async () => {
    expect(await guest.ok('hostname')).to.equal('pas-r01p01\n');
    expect(await guest.ok('getent hosts hfs1')).to.match(/^192\.168\.1\.2 /);
    expect(await guest.ok('curl -sS http://mdb:20000/__ping')).to.equal('pong');
  });

  it('runs scripts, several at once, each with its own outcome', async () => {
    const [slow, failed, large] = await Promise.all([
      guest.run('sleep 1; echo slow'),
      guest.run('echo Zoé; echo wrong >&2; exit 7'),
      guest.run('seq 20000'),
    ]);
    expect(slow).to.deep.equal({ exitCode: 0, stdout: 'slow\n', stderr: '' });
    expect(failed).to.deep.equal({ exitCode: 7, stdout: 'Zoé\n', stderr: 'wrong\n' });
    expect(large!.stdout.split('\n')).to.have.lengthOf(20_001);
  });

  it('has a real nbd-client: what it writes to a network block device is in the image', async () => {
    const image = join(lab.dir, 'image');
    writeFileSync(image, '');
    await lab.run(['truncate', '-s', '64M', image]);
    await lab.run(['mke2fs', '-q', '-t', 'ext4', image]);
    const server = await lab.start('storage', [
      'qemu-storage-daemon',
      ...['--blockdev', `driver=file,node-name=home,filename=${image}`],
      ...[
        '--nbd-server',
        `addr.type=inet,addr.host=${lab.network.gateway},addr.port=45000,max-connections=1`,
      ],
      ...['--export', 'type=nbd,id=home,node-name=home,name=token,writable=on'],
    ]);
    await guest.ok(`nbd-client -N token ${lab.network.gateway} 45000 /dev/nbd0 && mount /dev/nbd0 /mnt`);
    await guest.ok('echo written >/mnt/file && umount /mnt && nbd-client -d /dev/nbd0');
    await server.stop();
    const { stdout } = await lab.run(['debugfs', '-R', 'cat file', image]);
    expect(stdout).to.equal('written\n');
  });

  it("has real PAM: the site's users have their passwords, and hooks run", async () => {
    const login = 'zmartin';
    const tester = (password: string) =>
      guest.run(`echo '${password}' | pamtester lab ${login} authenticate open_session`);
    expect((await tester('wrong')).exitCode).not.to.equal(0);
    const { exitCode, stdout } = await tester(seats.password(login));
    expect(exitCode).to.equal(0);
    expect(stdout).to.contain('uid=0(root)').and.to.contain('successfully opened a session');
  });

  it('has a console where one can log in', async () => {
    const { console } = guest;
    await console.waitFor(/login: /, STEP_MS);
    await console.type('zmartin\r');
    await console.waitFor(/Password: /, STEP_MS);
    await console.type(`${seats.password('zmartin')}\r`);
    await console.type('id -un; exit\r');
    await console.waitFor(/^zmartin$/m, STEP_MS);
    await console.waitFor(/login: /, STEP_MS);
  });
});
