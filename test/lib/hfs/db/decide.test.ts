import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Action,
  decideAbort,
  decideCreated,
  decideFinish,
  decideOpen,
} from '../../../../src/lib/hfs/db/decide.ts';
import type { ProloError } from '../../../../src/lib/errors.ts';
import type { Home } from '../../../../src/lib/hfs/protocol.ts';

const now = '2026-05-01T10:00:00.000Z';
const ask = (hfs: number) => ({ login: 'alice', hfs, size_bytes: 1000, now });
const here: Home = {
  ...{ login: 'alice', hfs: 0, epoch: 3, last_epoch: 5, state: 'here', target: null, target_epoch: null },
  ...{ size_bytes: 2000, changed_at: '2026-04-30T10:00:00.000Z' },
};
const moving: Home = { ...here, state: 'moving', target: 1, target_epoch: 6, last_epoch: 6 };
const creating: Home = { ...here, state: 'creating' };

describe('decideOpen', () => {
  const table: [string, Home | undefined, number, number | undefined, Partial<Home>, Action][] = [
    ['no row: create', undefined, 2, undefined, { hfs: 2, epoch: 1, last_epoch: 1, state: 'creating', size_bytes: 1000 }, { action: 'create', epoch: 1 }],
    ['creating here: the same again', creating, 0, undefined, creating, { action: 'create', epoch: 3 }],
    ['creating elsewhere: here, at an epoch of its own', creating, 1, undefined, { hfs: 1, epoch: 6, last_epoch: 6, state: 'creating', size_bytes: 1000 }, { action: 'create', epoch: 6 }],
    ['here: serve', here, 0, undefined, here, { action: 'serve', epoch: 3 }],
    ['elsewhere: fetch', here, 1, undefined, { ...moving, changed_at: now }, { action: 'fetch', epoch: 6, source: { hfs: 0, epoch: 3 } }],
    ['moving here: the same again', moving, 1, undefined, moving, { action: 'fetch', epoch: 6, source: { hfs: 0, epoch: 3 } }],
    ['back at the owner, the target was asked: serve', moving, 0, 6, { state: 'here', hfs: 0, epoch: 3, last_epoch: 6, target: null, target_epoch: null }, { action: 'serve', epoch: 3 }],
    ['to a third, the target was asked: fetch at a new epoch', moving, 2, 6, { target: 2, target_epoch: 7, last_epoch: 7, hfs: 0, epoch: 3 }, { action: 'fetch', epoch: 7, source: { hfs: 0, epoch: 3 } }],
  ]; // prettier-ignore
  for (const [title, row, hfs, asked, after, answer] of table)
    it(title, () => {
      const decision = decideOpen(row, ask(hfs), asked) as { row: Home; answer: Action };
      expect(decision.row).to.include(after);
      expect(decision.answer).to.deep.equal(answer);
    });

  for (const [title, hfs, asked] of [
    ['back at the owner', 0, undefined],
    ['to a third', 2, undefined],
    ['to a third, after another move was asked to end', 2, 4],
  ] as const)
    it(`${title}: its move has to end first`, () =>
      expect(decideOpen(moving, ask(hfs), asked)).to.deep.equal({ settle: { hfs: 1, target_epoch: 6 } }));
});

describe('what servers claim', () => {
  const claim = (hfs: number, epoch: number) => ({ login: 'alice', hfs, epoch });
  const kind = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return (error as ProloError).kind;
    }
  };

  it('created: by the one that is to make it, at that epoch, as often as it likes', () => {
    expect(decideCreated(creating, claim(0, 3), now)).to.include({ state: 'here', epoch: 3 });
    expect(decideCreated(here, claim(0, 3), now)).to.equal(here);
    expect(decideCreated(moving, claim(0, 3), now)).to.equal(moving);
    for (const [row, hfs, epoch] of [
      [creating, 1, 3],
      [creating, 0, 2],
      [undefined, 0, 1],
    ] as const)
      expect(kind(() => decideCreated(row, claim(hfs, epoch), now))).to.equal('conflict');
  });

  it('finish_move: by the target at its epoch; repeated, nothing is left to do', () => {
    const after = decideFinish(moving, claim(1, 6), now)!;
    expect(after).to.include({ hfs: 1, epoch: 6, state: 'here', target: null, target_epoch: null });
    expect(decideFinish(after, claim(1, 6), now)).to.equal(undefined);
    for (const [row, hfs, epoch] of [
      [moving, 1, 5],
      [moving, 2, 6],
      [here, 1, 6],
      [creating, 0, 3],
      [undefined, 1, 1],
    ] as const)
      expect(kind(() => decideFinish(row, claim(hfs, epoch), now))).to.equal('conflict');
  });

  it('abort_move: the owner stays; what is over is left alone', () => {
    expect(decideAbort(moving, claim(1, 6), now)).to.include({
      hfs: 0,
      epoch: 3,
      state: 'here',
      target: null,
    });
    for (const [row, hfs, epoch] of [
      [moving, 1, 5],
      [moving, 2, 6],
      [here, 0, 3],
      [{ ...here, hfs: 1, epoch: 6 }, 1, 6],
    ] as const)
      expect(decideAbort(row, claim(hfs, epoch), now)).to.equal(undefined);
  });
});

/**
 * A site of three servers as far as ownership goes: what each has on disk survives a crash, what it runs does not. A message
 * may come late, twice, or never; each step is one message handled by one side.
 */
class Model {
  row: Home | undefined;
  handedOut: number[] = [];
  servers = [0, 1, 2].map(() => new ServerModel());
  /** A finish_move that has the source's word and has not been recorded yet. */
  worded: { hfs: number; epoch: number }[] = [];

  open(hfs: number, reachable: boolean): void {
    let asked: number | undefined;
    for (let i = 0; i < 3; i++) {
      const decision = decideOpen(this.row, ask(hfs), asked);
      if ('settle' in decision) {
        asked = decision.settle.target_epoch;
        if (reachable) this.giveUp(decision.settle.hfs);
        continue;
      }
      const before = this.row;
      this.row = decision.row;
      const { answer } = decision;
      if (answer.epoch > (before?.last_epoch ?? 0)) this.handedOut.push(answer.epoch);
      if (this.row.last_epoch < (before?.last_epoch ?? 0)) throw new Error('last_epoch went back');
      this.servers[hfs]!.answer = answer;
      return;
    }
  }

  /** The server does what it was last told; `departed` voids what it was told before. */
  act(hfs: number): void {
    const server = this.servers[hfs]!;
    const { answer } = server;
    if (!answer) return;
    if (answer.action === 'create') {
      server.answer = undefined;
      try {
        this.row = decideCreated(this.row, { login: 'alice', hfs, epoch: answer.epoch }, now);
        server.serves = { epoch: answer.epoch };
      } catch {
        // somebody else's by now
      }
    } else if (answer.action === 'serve') server.serves = { epoch: answer.epoch };
    else {
      const source = this.servers[answer.source.hfs]!;
      if (source.begin(answer.source.epoch, answer.epoch))
        server.serves = { epoch: answer.epoch, through: answer.source };
    }
  }

  /** The first half of finish_move. */
  word(hfs: number): void {
    const epoch = this.servers[hfs]!.serves?.epoch;
    if (epoch === undefined) return;
    try {
      if (!decideFinish(this.row, { login: 'alice', hfs, epoch }, now)) return this.pivot(hfs, epoch);
    } catch {
      return this.giveUp(hfs);
    }
    if (this.servers[this.row!.hfs]!.end(this.row!.epoch, epoch)) this.worded.push({ hfs, epoch });
  }

  /** The second half, however late. */
  record(): void {
    const claim = this.worded.shift();
    if (!claim) return;
    try {
      this.row = decideFinish(this.row, { login: 'alice', ...claim }, now) ?? this.row;
      this.pivot(claim.hfs, claim.epoch);
    } catch {
      this.giveUp(claim.hfs);
    }
  }

  pivot(hfs: number, epoch: number): void {
    const server = this.servers[hfs]!;
    if (server.serves?.epoch === epoch) server.serves = { epoch };
  }

  giveUp(hfs: number): void {
    const server = this.servers[hfs]!;
    const epoch = server.serves?.through ? server.serves.epoch : (this.row?.target_epoch ?? 0);
    if (server.serves?.through) server.serves = undefined;
    this.row = this.row && (decideAbort(this.row, { login: 'alice', hfs, epoch }, now) ?? this.row);
  }

  /** Images that a client's write can reach now, and be acknowledged on as the only copy. */
  live(): string[] {
    return this.servers.flatMap((server, hfs) => {
      const { serves, lends } = server;
      const own = serves && !serves.through ? [`${hfs}:${serves.epoch}`] : [];
      return lends ? [...own, `${hfs}:${lends.epoch}`] : own;
    });
  }
}

class ServerModel {
  answer: Action | undefined;
  serves: { epoch: number; through?: { hfs: number; epoch: number } } | undefined;
  lends: { epoch: number; targetEpoch: number } | undefined;
  /** On disk: the newest move away that it gave its word for. */
  word = 0;

  begin(epoch: number, targetEpoch: number): boolean {
    if (this.word >= targetEpoch || (this.lends?.targetEpoch ?? 0) > targetEpoch) return false;
    this.answer = undefined;
    this.serves = undefined;
    this.lends = { epoch, targetEpoch };
    return true;
  }

  end(_epoch: number, targetEpoch: number): boolean {
    if (Math.max(this.word, this.lends?.targetEpoch ?? 0) > targetEpoch) return false;
    this.answer = undefined;
    this.serves = undefined;
    this.lends = undefined;
    this.word = targetEpoch;
    return true;
  }

  crash(): void {
    this.answer = undefined;
    this.serves = undefined;
    this.lends = undefined;
  }
}

type Step = ['open', number, boolean] | ['act' | 'word' | 'abort' | 'crash', number] | ['record'] | ['lose'];

function runStep(model: Model, step: Step): void {
  switch (step[0]) {
    case 'open':
      return model.open(step[1], step[2]);
    case 'act': {
      const server = model.servers[step[1]]!;
      if (server.answer?.action === 'serve') server.lends = undefined;
      return model.act(step[1]);
    }
    case 'word':
      return model.word(step[1]);
    case 'abort':
      return model.giveUp(step[1]);
    case 'crash':
      return model.servers[step[1]]!.crash();
    case 'record':
      return model.record();
    case 'lose':
      model.worded = []; // hfsdb was killed between the word and its record
  }
}

describe('a home on three servers, whatever crashes, repeats or comes late', () => {
  const hfs = fc.integer({ min: 0, max: 2 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(fc.constant('open' as const), hfs, fc.boolean()),
    fc.tuple(fc.constantFrom('act' as const, 'word' as const), hfs),
    fc.tuple(fc.constantFrom('act' as const, 'word' as const, 'abort' as const, 'crash' as const), hfs),
    fc.constant(['record'] as ['record']),
    fc.constant(['lose'] as ['lose']),
  );

  it('is on one server at a time, and no epoch is handed out twice', () => {
    let moves = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const model = new Model();
        for (const one of steps) {
          const owner = model.row?.hfs;
          runStep(model, one);
          if (owner !== undefined && model.row?.state === 'here' && model.row.hfs !== owner) moves++;
          expect(model.live().length, JSON.stringify(steps)).to.be.at.most(1);
        }
        expect(new Set(model.handedOut).size).to.equal(model.handedOut.length);
      }),
      { numRuns: 3000 },
    );
    expect(moves, 'moves that came to an end').to.be.greaterThan(50);
  });
});
