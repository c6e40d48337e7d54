import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Decision,
  decideExpiry,
  decideGone,
  decideHeartbeat,
  decideLogin,
  decideLogout,
  type Directory,
} from '../../../src/lib/presence/decide.ts';
import {
  applyEffect,
  invert,
  makeState,
  type Pair,
  pairKey,
  type PresenceState,
  renew,
} from '../../../src/lib/presence/state.ts';
import { rowsOf } from '../../../src/lib/presence/write.ts';

const LOGINS = ['ada', 'bob', 'boss'];
const HOSTS = ['m1', 'm2', 'orga1'];
const directory: Directory = {
  machine: (name) =>
    HOSTS.includes(name)
      ? { ip: `192.168.0.${HOSTS.indexOf(name) + 1}`, mtype: name === 'orga1' ? 'orga' : 'user' }
      : undefined,
  group: (login) => (LOGINS.includes(login) ? (login === 'boss' ? 'orga' : 'user') : undefined),
};
const asked = { ip: '127.0.0.1', at: '2026-05-01T10:00:00.000Z' };
const apply = (state: PresenceState, decision: Decision, nowMs = 0): Decision => {
  for (const effect of decision.effects) applyEffect(state, effect, nowMs);
  return decision;
};
const pair = (text: string): Pair => {
  const [login = '', hostname = ''] = text.split('@');
  return { login, hostname };
};
const where = (state: PresenceState): string[] =>
  [...state.byLogin.values()].map(({ login, hostname }) => `${login}@${hostname}`);

type Verb = 'login' | 'heartbeat' | 'logout' | 'expire';

/** What was asked before, what is asked, whether it is refused and why, and who is where then. */
const CASES: [string, [Verb, string][], [Verb, string], string | undefined, string[]][] = [
  ['a free seat', [], ['login', 'ada@m1'], undefined, ['ada@m1']],
  ['the same seat', [['login', 'ada@m1']], ['login', 'ada@m1'], undefined, ['ada@m1']],
  ['another seat', [['login', 'ada@m1']], ['login', 'ada@m2'], 'already_logged', ['ada@m1']],
  ['a busy seat', [['login', 'ada@m1']], ['login', 'bob@m1'], 'busy', ['ada@m1']],
  ['an unknown user', [], ['login', 'eve@m1'], 'user_not_registered', []],
  ['an unknown machine', [], ['login', 'ada@m9'], 'machine_not_registered', []],
  ['a contestant at an organisers’ seat', [], ['login', 'ada@orga1'], 'user_not_allowed', []],
  ['an organiser there', [], ['login', 'boss@orga1'], undefined, ['boss@orga1']],
  ['an organiser at a contestants’ seat', [], ['login', 'boss@m1'], undefined, ['boss@m1']],
  ['a heartbeat where both are free', [], ['heartbeat', 'ada@m1'], undefined, ['ada@m1']],
  ['a heartbeat of nobody', [], ['heartbeat', 'eve@m1'], 'user_not_registered', []],
  [
    'a heartbeat after logout',
    [
      ['login', 'ada@m1'],
      ['logout', 'ada@m1'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    [],
  ],
  [
    'a login after logout',
    [
      ['login', 'ada@m1'],
      ['logout', 'ada@m1'],
    ],
    ['login', 'ada@m1'],
    undefined,
    ['ada@m1'],
  ],
  [
    'a heartbeat after expiry',
    [
      ['login', 'ada@m1'],
      ['expire', 'ada@m1'],
    ],
    ['heartbeat', 'ada@m1'],
    undefined,
    ['ada@m1'],
  ],
  [
    'a heartbeat during a takeover of the login',
    [
      ['login', 'ada@m1'],
      ['expire', 'ada@m1'],
      ['login', 'ada@m2'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    ['ada@m2'],
  ],
  [
    'a heartbeat after a takeover of the login',
    [
      ['login', 'ada@m1'],
      ['expire', 'ada@m1'],
      ['login', 'ada@m2'],
      ['logout', 'ada@m2'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    [],
  ],
  [
    'a heartbeat after a takeover of the seat',
    [
      ['login', 'ada@m1'],
      ['expire', 'ada@m1'],
      ['login', 'bob@m1'],
      ['logout', 'bob@m1'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    [],
  ],
  [
    'a heartbeat that met somebody else, and comes again',
    [
      ['login', 'ada@m2'],
      ['heartbeat', 'ada@m1'],
      ['logout', 'ada@m2'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    [],
  ],
  ['a logout of nobody', [], ['logout', 'ada@m1'], 'not_logged', []],
  ['a logout of another seat', [['login', 'ada@m1']], ['logout', 'ada@m2'], 'not_logged', ['ada@m1']],
  [
    'a heartbeat that is late for a session that had expired before its logout',
    [
      ['login', 'ada@m1'],
      ['expire', 'ada@m1'],
      ['logout', 'ada@m1'],
    ],
    ['heartbeat', 'ada@m1'],
    'ended',
    [],
  ],
];

function step(state: PresenceState, verb: Verb, text: string): Decision {
  const one = pair(text);
  if (verb === 'expire') {
    if (state.byLogin.get(one.login)?.hostname === one.hostname) state.heardMs.set(one.login, -100);
    return apply(state, decideExpiry(state, 0, 100));
  }
  const decide = { login: decideLogin, heartbeat: decideHeartbeat, logout: decideLogout }[verb];
  return apply(state, decide(state, directory, one, asked));
}

describe('who may sit where', () => {
  for (const [what, before, [verb, text], reason, after] of CASES)
    it(`${verb}: ${what}`, () => {
      const state = makeState([], [], 0);
      for (const [earlier, whom] of before) step(state, earlier, whom);
      expect(step(state, verb, text).refusal?.reason).to.equal(reason);
      expect(where(state)).to.deep.equal(after);
    });

  it('expires who was not heard of for the timeout, and nobody else', () => {
    const state = makeState([], [], 0);
    step(state, 'login', 'ada@m1');
    step(state, 'login', 'bob@m2');
    renew(state, pair('bob@m2'), 50);
    expect(renew(state, pair('bob@m1'), 50), 'not there').to.equal(false);
    expect(decideExpiry(state, 99, 100).effects).to.deep.equal([]);
    apply(state, decideExpiry(state, 100, 100));
    expect(where(state)).to.deep.equal(['bob@m2']);
  });

  it('ends whose user or machine is gone; the user for good', () => {
    const state = makeState([], [], 0);
    step(state, 'login', 'ada@m1');
    step(state, 'login', 'bob@m2');
    const rest: Directory = {
      group: (login) => (login === 'ada' ? undefined : directory.group(login)),
      machine: (name) => (name === 'm2' ? undefined : directory.machine(name)),
    };
    apply(state, decideGone(state, rest));
    expect(where(state)).to.deep.equal([]);
    expect(step(state, 'heartbeat', 'ada@m1').refusal?.reason).to.equal('ended');
    expect(step(state, 'heartbeat', 'bob@m2').refusal).to.equal(undefined);
  });

  it('a session that had logged out before another took its place stays so when that is undone', () => {
    const state = makeState([], [], 0);
    const earlier = [
      ['login', 'boss@orga1'],
      ['expire', 'boss@orga1'],
      ['logout', 'boss@orga1'],
    ] as const;
    for (const [verb, text] of earlier) step(state, verb, text);
    const before = snapshotOf(state);
    for (const effect of step(state, 'login', 'boss@m1').effects.reverse())
      applyEffect(state, invert(effect), 0);
    expect(snapshotOf(state)).to.deep.equal(before);
  });

  it('whatever is asked: one seat a login, one login a seat, the rows follow, and all of it can be undone', () => {
    const anyStep = fc.tuple(
      fc.constantFrom<Verb>('login', 'heartbeat', 'logout', 'expire'),
      fc.constantFrom(...LOGINS, 'eve'),
      fc.constantFrom(...HOSTS, 'm9'),
    );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), fc.nat(5), (steps, together) => {
        const state = makeState([], [], 0);
        const rows = new Map<string, string>();
        const ended = new Set<string>();
        const loggedOut = new Set<string>();
        let batch: Decision['effects'] = [];
        const write = (): void => {
          const { begin, end, bury, unbury } = rowsOf(batch);
          for (const login of end) expect(rows.delete(login), `${login} has a row`).to.equal(true);
          for (const one of unbury) ended.delete(pairKey(one));
          for (const { login, hostname } of begin) {
            expect(rows.has(login) || [...rows.values()].includes(hostname), 'unique').to.equal(false);
            rows.set(login, hostname);
          }
          for (const one of bury) ended.add(pairKey(one));
          batch = [];
        };
        for (const [i, [verb, login, hostname]] of steps.entries()) {
          const before = snapshotOf(state);
          const text = `${login}@${hostname}`;
          const { effects, refusal } = step(state, verb, text);
          const after = snapshotOf(state);
          for (const effect of [...effects].reverse()) applyEffect(state, invert(effect), 0);
          expect(snapshotOf(state)).to.deep.equal(before);
          for (const effect of effects) applyEffect(state, effect, 0);
          expect(snapshotOf(state)).to.deep.equal(after);
          batch.push(...effects);
          if (i % (together + 1) === 0) write();
          expect(new Set([...state.byLogin.values()].map((one) => one.hostname)).size).to.equal(
            state.byLogin.size,
          );
          expect(state.byHostname.size).to.equal(state.byLogin.size);
          expect([...state.heardMs.keys()].sort()).to.deep.equal([...state.byLogin.keys()].sort());
          if (verb === 'logout' && refusal === undefined) loggedOut.add(text);
          if (verb === 'login' && refusal === undefined) loggedOut.delete(text);
          for (const gone of loggedOut) expect(where(state)).not.to.include(gone);
        }
        write();
        expect(rows).to.deep.equal(new Map([...state.byLogin].map(([login, one]) => [login, one.hostname])));
        expect(ended).to.deep.equal(state.ended);
      }),
      { numRuns: 500 },
    );
  });
});

function snapshotOf(state: PresenceState): object {
  return {
    where: where(state).sort(),
    hosts: [...state.byHostname.keys()].sort(),
    ended: [...state.ended].sort(),
    lapsed: [...state.lapsed].sort(),
    lapsedAt: [...state.lapsedAt].sort(),
  };
}
