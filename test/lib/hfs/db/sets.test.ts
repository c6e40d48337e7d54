import { expect } from 'chai';
import { type ContestMode, NEVER, startMode, stopMode } from '../../../../src/lib/contest/mode.ts';
import { mayBeInUse, setOfNext, setOfSession, type SetFacts } from '../../../../src/lib/hfs/db/sets.ts';
import { homeName, ownerOf, parseHomeName } from '../../../../src/lib/hfs/home-name.ts';
import { parseImageName } from '../../../../src/lib/hfs/image.ts';
import { namedHome } from '../../../../src/lib/hfs/named-home.ts';

const TEN = Date.parse('2026-05-01T10:00:00Z');
const at = (minutes: number): Date => new Date(TEN + minutes * 60_000);
const started = startMode(NEVER, { now: at(0), by: 'root' });
const stopped = stopMode(started, { now: at(60), by: 'root' });
const session = { login: 'u1', hostname: 'm1', since: at(-5).toISOString() };
const later = { ...session, since: at(5).toISOString() };
const facts = (mode: ContestMode, more: Partial<SetFacts> = {}): SetFacts => ({
  ...{ session: later, given: undefined, chosen: undefined, contestant: true, mode },
  ...more,
});
const next = (mode: ContestMode, minutes: number, more?: Partial<SetFacts>): string =>
  setOfNext(facts(mode, more), at(minutes).getTime());

describe('which of their homes somebody gets', () => {
  it('is the contest’s while it runs, and the usual one before and after', () => {
    const waits = startMode(NEVER, { now: at(-60), by: 'root', at: at(0).toISOString() });
    expect([next(NEVER, 0), next(waits, -1), next(waits, 0), next(started, 1)]).to.deep.equal([
      ...['usual', 'usual', 'contest', 'contest'],
    ]);
    expect([next(stopped, 61), next(startMode(stopped, { now: at(90), by: 'x' }), 91)]).to.deep.equal([
      ...['usual', 'contest'],
    ]);
  });

  it('is the set that the contest was started with, and none other while it runs', () => {
    const semi = startMode(NEVER, { now: at(0), by: 'x', homes: 'semifinal' });
    expect(next(semi, 1)).to.equal('semifinal');
    expect(next(startMode(NEVER, { now: at(0), by: 'x', homes: 'usual' }), 1)).to.equal('usual');
    const ends = stopMode(semi, { now: at(1), by: 'x', at: at(60).toISOString() });
    expect(startMode(ends, { now: at(2), by: 'x' }).homes).to.equal('semifinal');
    expect(() => startMode(ends, { now: at(2), by: 'x', homes: 'contest' })).to.throw('of the set semifinal');
    const waits = startMode(NEVER, { now: at(0), by: 'x', homes: 'semifinal', at: at(9).toISOString() });
    expect(startMode(waits, { now: at(1), by: 'x' }).homes).to.equal('semifinal');
    expect(startMode(stopMode(semi, { now: at(3), by: 'x' }), { now: at(4), by: 'x' }).homes).to.equal(
      'contest',
    );
  });

  it('is the usual one of an organiser, and what an operator has said of anybody', () => {
    expect(next(started, 1, { contestant: false })).to.equal('usual');
    expect(next(started, 1, { chosen: 'usual' })).to.equal('usual');
    expect(next(stopped, 61, { chosen: 'contest', contestant: false })).to.equal('contest');
  });

  it('stays the one that the session was given, whatever begins or ends meanwhile', () => {
    const of = (mode: ContestMode, minutes: number, more: Partial<SetFacts>): string =>
      setOfSession(facts(mode, more), at(minutes).getTime());
    const before = { session, given: { ...session, set: 'usual' } };
    expect(of(started, 1, before)).to.equal('usual');
    expect(of(started, 1, { ...before, chosen: 'contest' })).to.equal('usual');
    const during = { session: later, given: { ...later, set: 'contest' } };
    expect(of(stopped, 61, during)).to.equal('contest');
    for (const [what, one] of [
      ['later at the same seat', later],
      ['at another seat', { ...session, hostname: 'm2' }],
    ] as const)
      expect(of(started, 1, { ...before, session: one }), what).to.equal('contest');
    expect(of(started, 1, { given: before.given, session: undefined })).to.equal('contest');
  });

  it('leaves the other one free, but not of a session that was given none yet', () => {
    const given = { ...session, set: 'usual' };
    const sets = ['usual', 'contest'];
    expect(sets.map((set) => mayBeInUse(set, session, given))).to.deep.equal([true, false]);
    expect(sets.map((set) => mayBeInUse(set, later, given))).to.deep.equal([true, true]);
    expect(sets.map((set) => mayBeInUse(set, session, undefined))).to.deep.equal([true, true]);
    expect(sets.map((set) => mayBeInUse(set, undefined, given))).to.deep.equal([false, false]);
  });
});

describe('the name of a home', () => {
  it('is the login alone for a usual one, and is read back', () => {
    expect(homeName({ login: 'alice', set: 'usual' })).to.equal('alice');
    for (const name of ['alice', 'alice@contest', 'a_b-c@semi-2']) {
      expect(homeName(parseHomeName(name))).to.equal(name);
      expect(parseImageName(`${name}.7.img`)).to.deep.equal({ login: name, epoch: 7 });
    }
    expect(ownerOf('alice@contest')).to.equal('alice');
  });

  it('of a file is none with a set that could not be one', () => {
    expect(parseImageName('alice@usual-2.7.img')).to.deep.equal({ login: 'alice@usual-2', epoch: 7 });
    for (const name of [
      'alice@usual.7.img',
      'alice@.7.img',
      'alice@Contest.7.img',
      'alice@a@b.7.img',
      'alice@../x.7.img',
    ])
      expect(parseImageName(name), name).to.equal(undefined);
  });

  it('is made of what an operator writes', () => {
    expect(namedHome('alice', undefined)).to.equal('alice');
    expect(namedHome('alice', 'contest')).to.equal('alice@contest');
    expect(namedHome('alice@contest', undefined)).to.equal('alice@contest');
    expect(namedHome('alice@contest', 'contest')).to.equal('alice@contest');
    expect(namedHome('alice@usual', undefined)).to.equal('alice');
    expect(() => namedHome('alice@contest', 'usual')).to.throw('not of the set usual');
    expect(() => namedHome('../alice', undefined)).to.throw('neither a login nor LOGIN@SET');
    expect(() => namedHome('alice', '../x')).to.throw('not the name of a set');
  });
});
