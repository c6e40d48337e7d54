import { expect } from 'chai';
import type { Facts } from '../../../src/lib/contest/facts.ts';
import { NEVER, startMode } from '../../../src/lib/contest/mode.ts';
import { planContest } from '../../../src/lib/contest/plan.ts';
import { isWell, judgeContest } from '../../../src/lib/contest/status.ts';

const NOW = new Date('2026-05-01T10:00:00Z');
const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();
const machine = (hostname: string, ip: string, mtype: string) => [hostname, { hostname, ip, mtype }] as const;

const firewall = { mtypes: ['service', 'user'], groups: ['user', 'orga'], addresses: ['10.0.2.2'] };
const contest = { groups: ['user'], mtypes: ['user'], services: [] as string[] };
const facts = (change: Partial<Facts> = {}, services: string[] = []): Facts => ({
  known: {
    machines: new Map([
      machine('web', '10.0.1.1', 'service'),
      machine('pas-r01p01', '10.0.0.1', 'user'),
      machine('pas-r01p02', '10.0.0.2', 'user'),
      machine('orga1', '10.0.0.3', 'orga'),
    ]),
    users: new Map([
      ['jdoe', { group: 'user' }],
      ['ann', { group: 'user' }],
      ['boss', { group: 'orga' }],
    ]),
    sessions: new Map([
      ['jdoe', { login: 'jdoe', hostname: 'pas-r01p01', since: ago(500) }],
      ['boss', { login: 'boss', hostname: 'pas-r01p02', since: ago(500) }],
    ]),
  },
  mode: NEVER,
  heard: [],
  registration: true,
  homes: { made: [], given: new Map(), chosen: new Map() },
  config: { firewall, contest: { ...contest, services } } as unknown as Facts['config'],
  ...change,
});
const running = startMode(NEVER, { now: new Date(ago(100)), by: 'root' });
const said = (change: object = {}) => ({
  ...{ consumer: 'firewall', epoch: 1, phase: 'on', problem: '', seen_at: ago(3) },
  ...change,
});
const judge = (change: object, services?: string[]) =>
  judgeContest(facts({ mode: running, ...change }, services), NOW);
const state = (change: object) => judge({ heard: [said(change)] }).consumers[0]!.state;

describe('what a contest changes', () => {
  it('closes machines of contestants and those where they sit, but not where an organiser does', () =>
    expect(planContest(facts(), NOW.getTime())).to.deep.include({
      closed: ['pas-r01p01'],
      kept: 3,
      people: 1,
      contestants: 2,
      registration: true,
    }));
});

describe('who has done what the contest means', () => {
  it('names the firewall also where it was never heard, and units where there are some', () => {
    expect(judge({}).consumers.map(({ consumer, state }) => [consumer, state])).to.deep.equal([
      ['firewall', 'never heard'],
    ]);
    expect(judge({}, ['judge.service']).consumers.map(({ consumer }) => consumer)).to.deep.equal([
      'firewall',
      'units',
    ]);
  });
  it('is well when all have reached the epoch and the phase, and speak', () => {
    const status = judge({ heard: [said()] });
    expect(isWell(status)).to.equal(true);
    expect(status).to.include({ epoch: 1, phase: 'on', registration: false });
  });
  it('lags at an older epoch, at another phase, and at an epoch that was restored away', () => {
    expect(state({ epoch: 0, phase: 'off' })).to.equal('lags');
    expect(state({ phase: 'waiting' })).to.equal('lags');
    expect(state({ epoch: 7 })).to.equal('lags');
  });
  it('is silent after a minute, and failed where it says why', () => {
    expect(state({ seen_at: ago(61) })).to.equal('silent');
    expect(state({ problem: 'nft: no' })).to.equal('failed');
  });
  it('names who has another home than they would get now, also where presence lost them or their machine got another name', () => {
    const given = { login: 'jdoe', hostname: 'pas-r01p01', since: ago(500), set: 'usual' };
    const lags = (change: object) =>
      judge({ homes: { made: [], given: new Map([['jdoe', { ...given, ...change }]]), chosen: new Map() } })
        .homes;
    const lag = [{ login: 'jdoe', hostname: 'pas-r01p01', has: 'usual', wanted: 'contest' }];
    expect(lags({})).to.deep.equal(lag);
    expect(lags({ since: ago(900) }), 'lost and found again').to.deep.equal(lag);
    expect(lags({ hostname: 'pas-r09p09' }), 'another name').to.deep.equal(lag);
    expect(lags({ hostname: 'pas-r09p09', since: ago(900) }), 'an earlier session').to.deep.equal([]);
    expect(lags({ set: 'contest' })).to.deep.equal([]);
  });
  it('forgets units that are no more configured, once they are off', () => {
    const old = said({ consumer: 'units', phase: 'off', epoch: 0, seen_at: ago(9999) });
    expect(judge({ heard: [said(), old] }).consumers).to.have.length(1);
  });
});
