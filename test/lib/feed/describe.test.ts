import { expect } from 'chai';
import { describeChange } from '../../../src/lib/feed/describe.ts';

const pc = {
  hostname: 'pas-r01p01',
  aliases: '',
  ip: '192.168.0.1',
  mac: '02:00:00:00:00:01',
  rfs: 0,
  hfs: 0,
  mtype: 'user',
  room: 'pasteur',
  is_faulty: false,
  is_faulty_details: '',
};
const zoe = { login: 'zoe', uid: 10000, group: 'user', firstname: 'Zoé', lastname: '', password: '$6$a$b' };

describe('describeChange', () => {
  it('shows a machine in a line', () => {
    const text = 'pas-r01p01 192.168.0.1 02:00:00:00:00:01 user pasteur';
    expect(describeChange('mdb', 'created', undefined, pc)).to.equal(`created ${text}`);
    expect(describeChange('mdb', 'deleted', pc, undefined)).to.equal(`deleted ${text}`);
  });

  it('shows what changed, and how', () => {
    const after = { ...pc, rfs: 1, is_faulty: true, is_faulty_details: 'screen' };
    expect(describeChange('mdb', 'updated', pc, after)).to.equal(
      'updated pas-r01p01 rfs 0→1, is_faulty no→yes, is_faulty_details -→screen',
    );
    const renamed = { ...pc, hostname: 'pas-r01p02' };
    expect(describeChange('mdb', 'updated', pc, renamed)).to.equal(
      'updated pas-r01p01 hostname pas-r01p01→pas-r01p02',
    );
  });

  it('never shows a hash, and cuts what is long', () => {
    expect(describeChange('udb', 'created', undefined, zoe)).to.equal('created zoe 10000 user Zoé');
    const after = { ...zoe, password: '$6$c$d', ssh_key: 'k'.repeat(100) };
    expect(describeChange('udb', 'updated', zoe, after)).to.equal(
      `updated zoe password changed, ssh_key -→${'k'.repeat(59)}…`,
    );
  });

  it('keeps to its line whatever a record holds', () => {
    expect(
      describeChange('presence', 'created', undefined, { login: 'a\u001b[2J\nb', hostname: 'x' }),
    ).to.equal('created a?[2J?b x');
  });
});
