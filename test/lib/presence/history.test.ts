import { expect } from 'chai';
import { type LoggedChange, sessionsAt } from '../../../src/lib/presence/history.ts';
import type { Update } from '../../../src/lib/store/change-log.ts';

const at = (minute: number): string => `2026-05-02T10:${String(minute).padStart(2, '0')}:00.000Z`;
const line = (minute: number, ...updates: Update[]): LoggedChange => ({ at: at(minute), updates });
const on = (login: string, hostname: string): Update => ({ type: 'update', data: { login, hostname } });
const off = (login: string, hostname: string): Update => ({ type: 'delete', data: { login, hostname } });
const machine = (mac: string, hostname: string, ip: string): Update => ({
  type: 'update',
  data: { mac, hostname, ip },
});

describe('who was logged on where', () => {
  const mdb = [
    line(0, machine('a', 'm1', '10.0.0.1'), machine('b', 'm2', '10.0.0.2')),
    line(15, { type: 'delete', data: { mac: 'b' } }, machine('a', 'm1', '10.0.0.2')),
  ];
  const presence = [
    line(1, on('ann', 'm1')),
    line(5, on('bob', 'm2')),
    line(8, off('ann', 'm1'), on('ann', 'm3')),
    line(12, off('bob', 'm2')),
    line(20, on('ann', 'm1')),
  ];
  const then = (minute: number): string[] =>
    sessionsAt(presence, mdb, at(minute)).map(
      ({ login, hostname, ip, since, until }) =>
        `${login} ${hostname} ${ip} ${since.slice(14, 16)}-${until?.slice(14, 16) ?? ''}`,
    );

  it('is nobody before the first', () => expect(then(0)).to.deep.equal([]));
  it('is who had come and not gone, from when to when', () =>
    expect(then(6)).to.deep.equal(['ann m1 10.0.0.1 01-08', 'bob m2 10.0.0.2 05-12']));
  it('is where they went', () => expect(then(9)).to.deep.equal(['ann m3  08-20', 'bob m2 10.0.0.2 05-12']));
  it('of a whole second, is whoever was there in it: a log of the kernel says no more', () => {
    const moment = (ms: number): string => new Date(Date.parse(at(1)) + ms).toISOString();
    const short = [
      { at: moment(100), updates: [on('ann', 'm1')] },
      { at: moment(400), updates: [off('ann', 'm1')] },
      { at: moment(700), updates: [on('bob', 'm1')] },
    ];
    const seen = (ms: number): string[] => sessionsAt(short, mdb, moment(ms)).map(({ login }) => login);
    expect(seen(0)).to.deep.equal(['ann', 'bob']);
    expect([seen(-1000), seen(300), seen(500), seen(1000)]).to.deep.equal([[], ['ann'], [], ['bob']]);
  });
  it('has the addresses of that time', () => expect(then(20)).to.deep.equal(['ann m1 10.0.0.2 20-']));
});
