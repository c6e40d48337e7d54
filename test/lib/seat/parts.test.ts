import { expect } from 'chai';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { parseAnswer } from '../../../src/lib/seat/ask-home.ts';
import { clockOff, pickIdentity } from '../../../src/lib/seat/identity.ts';
import { parseAsk } from '../../../src/lib/seat/socket.ts';
import { parseMounts } from '../../../src/lib/seat/system.ts';

describe('a seat’s identity', () => {
  const machine = (hostname: string, ip: string, hfs: number): MachineRecord =>
    ({ hostname, ip, hfs }) as MachineRecord;
  const machines = [machine('pas-r01p01', '10.0.0.1', 0), machine('pas-r01p02', '10.0.0.2', 3)];

  it('is the machine of one of its addresses', () => {
    expect(pickIdentity(machines, ['192.0.2.1', '10.0.0.2'])).to.deep.equal({
      hostname: 'pas-r01p02',
      ip: '10.0.0.2',
      hfs: 3,
    });
  });
  it('is not known without an address', () => {
    expect(() => pickIdentity(machines, [])).to.throw('this machine has no network address');
  });
  it('is not there: the addresses are named', () => {
    expect(() => pickIdentity(machines, ['10.0.0.9', '192.0.2.1'])).to.throw(
      'this machine (10.0.0.9, 192.0.2.1) is not in MDB',
    );
  });
});

describe('how far a clock is off', () => {
  const at = (iso: string): number => Date.parse(iso);
  const header = 'Sat, 21 Nov 2026 10:00:00 GMT';
  for (const { sent, received, off } of [
    { sent: '2026-11-21T10:00:00.200Z', received: '2026-11-21T10:00:00.900Z', off: 0 },
    { sent: '2026-11-21T10:00:00.999Z', received: '2026-11-21T10:00:01.500Z', off: 0 },
    { sent: '2026-11-21T09:59:59.900Z', received: '2026-11-21T10:00:04.000Z', off: 0 },
    { sent: '2026-11-21T09:58:00.000Z', received: '2026-11-21T09:58:00.000Z', off: 120 },
    { sent: '2026-11-21T11:00:00.000Z', received: '2026-11-21T11:00:00.000Z', off: -3600 },
  ])
    it(`asked at ${sent}: ${off} s`, () => {
      expect(clockOff(header, at(sent), at(received))).to.equal(off);
    });
  it('without a date, or with a bad one: nothing is known', () => {
    expect(clockOff(undefined, 0, 0)).to.equal(0);
    expect(clockOff('yesterday', 0, 0)).to.equal(0);
  });
});

describe('/proc/mounts', () => {
  it('homes on network block devices, and nothing else', () => {
    const text = [
      '/dev/sda1 / ext4 rw 0 0',
      '/dev/nbd0 /home/u001 ext4 rw,nosuid,nodev 0 0',
      '/dev/nbd12 /home/jdoe-2 ext4 rw 0 0',
      '/dev/nbd1 /mnt ext4 rw 0 0',
      '/dev/nbd2 /home/u001/sub ext4 rw 0 0',
      '/dev/nbd3p1 /home/u003 ext4 rw 0 0',
      '/dev/nbd4 /home/U\\040x ext4 rw 0 0',
      'tmpfs /home/u002 tmpfs rw 0 0',
      '',
    ].join('\n');
    expect(parseMounts(text)).to.deep.equal([
      { device: '/dev/nbd0', login: 'u001' },
      { device: '/dev/nbd12', login: 'jdoe-2' },
    ]);
  });
});

describe('what PAM’s hook asks', () => {
  it('who, and what', () => {
    expect(parseAsk('/open_session', 'user=u001&holder=4711')).to.deep.equal({
      hook: 'open_session',
      login: 'u001',
      holder: 4711,
    });
    expect(parseAsk('/account', 'user=u001')).to.include({ holder: 0 });
  });
  for (const [path, body] of [
    ['/', 'user=u001'],
    ['/account/', 'user=u001'],
    ['/account?user=u001', ''],
    ['/../account', 'user=u001'],
    ['/auth', 'user=u001'],
    ['/account', ''],
    ['/account', 'user='],
    ['/account', 'user=../etc'],
    ['/account', 'user=a%2Fb'],
    ['/account', 'user=u001%0aok'],
    ['/account', 'user=u001%00'],
    ['/account', 'user=-u'],
    ['/account', 'user=1000'],
    ['/account', 'user=$(id)'],
    ['/account', `user=${'a'.repeat(33)}`],
    ['/account', 'user=U001'],
    ['/open_session', 'user=u001&holder=-1'],
    ['/open_session', 'user=u001&holder=1e3'],
    ['/open_session', 'user=u001&holder=../1'],
    ['/open_session', 'user=u001&holder='],
  ] as const)
    it(`refused: ${path} ${body.slice(0, 40)}`, () => {
      expect(() => parseAsk(path, body)).to.throw(/presenced:|no login|not a process/);
    });
});

describe('an answer of a home file server', () => {
  it('where the home is; SADM’s servers name the export by the login', () => {
    expect(parseAnswer('{"port": 4000, "export": "tok"}', 1, 'u001')).to.deep.equal({
      port: 4000,
      export: 'tok',
    });
    expect(parseAnswer('{"port": 4000}', 1, 'u001')).to.deep.equal({ port: 4000, export: 'u001' });
  });
  for (const text of [
    '',
    'null',
    '[]',
    '"x"',
    '{}',
    '{"port": "4000"}',
    '{"port": 0}',
    '{"port": 70000}',
    '{"port": 1, "export": 7}',
    '<html>',
  ])
    // prettier-ignore
    it(`makes no sense: ${text}`, () => {
      expect(() => parseAnswer(text, 1, 'u001')).to.throw('home file server 1: an answer that makes no sense');
    });
});
