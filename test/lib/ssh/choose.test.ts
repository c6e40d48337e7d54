import { spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { ProloError } from '../../../src/lib/errors.ts';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { selectMachines } from '../../../src/lib/mdb/select.ts';
import { parseNodeset } from '../../../src/lib/nodeset.ts';
import { findAlive } from '../../../src/lib/ssh/alive.ts';
import { leaveOutThisHost, narrow, type Selection } from '../../../src/lib/ssh/choose.ts';
import { describeMachines, foldWithin, questionFor } from '../../../src/lib/ssh/confirm-machines.ts';
import { matchFields } from '../../../src/lib/ssh/field-regexes.ts';
import { withLiveGroups } from '../../../src/lib/ssh/groups.ts';

const machine = (hostname: string, rest: Partial<MachineRecord> = {}): MachineRecord => ({
  hostname,
  aliases: '',
  ip: '127.0.1.1',
  mac: '52:54:00:00:00:01',
  rfs: 0,
  hfs: 0,
  mtype: 'user',
  room: 'pasteur',
  is_faulty: false,
  is_faulty_details: '',
  ...rest,
});
const gw = machine('gw', { mtype: 'service', room: 'servers', aliases: 'mdb,netboot', ip: '10.0.0.1' });
const [p1, p2, p3, p4] = [1, 2, 3, 4].map((n) =>
  machine(`p${n}`, { rfs: n * 5, mac: `52:54:00:00:00:a${n}` }),
);
const site = [p3!, gw, p1!, p4!, p2!]; // MDB's order is its own
const names = (machines: readonly MachineRecord[]) => machines.map(({ hostname }) => hostname).join(' ');
const failure = async (work: () => unknown): Promise<ProloError> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof ProloError) return error;
    throw error;
  }
  throw new Error('expected an error');
};

describe('groups that are asked for', () => {
  const sessions = [
    { login: 'joe', hostname: 'p1' },
    { login: 'joan', hostname: 'gw' },
    { login: 'lost', hostname: 'elsewhere' },
  ];
  /** What `expression` chooses while p1 and p3 are alive, and who was asked. */
  async function choose(expression: string) {
    const asked: string[] = [];
    const chosen = await withLiveGroups(
      site,
      {
        sessions: () => {
          asked.push('sessions');
          return Promise.resolve(sessions);
        },
        alive: (machines) => {
          asked.push(`alive: ${names(machines)}`);
          return Promise.resolve(
            new Set(['p1', 'p3'].filter((name) => machines.some((m) => m.hostname === name))),
          );
        },
      },
      (groups) => selectMachines([expression], site, { groups }),
    );
    return `${names(chosen)} | ${asked.join(', ')}`;
  }

  const table: [string, string][] = [
    ['@all', 'p3 gw p1 p4 p2 | '],
    ['@user:joe', 'p1 | sessions'],
    ['@user:JOE,@user:joan', 'gw p1 | sessions'],
    ['@logged-in', 'gw p1 | sessions'],
    ['@free', 'p3 p4 p2 | sessions'],
    ['@free,@logged-in', 'p3 gw p1 p4 p2 | sessions'],
    ['@all!@logged-in', 'p3 p4 p2 | sessions'],
    ['@alive', 'p3 p1 | alive: p3 gw p1 p4 p2'],
    ['@alive&p[1-2]', 'p1 | alive: p1 p2'],
    ['p[1-2]!@alive', 'p2 | alive: p1 p2'],
    ['p[1-3]!p1&@alive', 'p3 | alive: p3 p2'],
    ['@alive&@free', 'p3 | sessions, alive: p3 p4 p2'],
    ['@alive,@all', 'p3 gw p1 p4 p2 | alive: '],
  ];
  for (const [expression, expected] of table)
    it(`${expression} is ${expected}`, async () => expect(await choose(expression)).to.equal(expected));

  it('refuses a login that is nowhere, one on a machine that MDB does not know, and groups that are written wrongly', async () => {
    const nowhere = await failure(() => choose('@user:jo'));
    expect(nowhere).to.include({ kind: 'not-found', message: 'login jo: logged on nowhere' });
    expect(nowhere.hint).to.include('did you mean @user:joe?');
    expect((await failure(() => choose('@user:lost'))).message).to.equal(
      'login lost: logged on at elsewhere, not in MDB',
    );
    expect((await failure(() => choose('@user'))).hint).to.include('@mtype:user');
    expect((await failure(() => choose('@free:p1'))).message).to.equal('group @free: takes no value (p1)');
    expect((await failure(() => choose('@fre'))).hint).to.include('@user, @logged-in, @free, @alive');
  });

  it('asks nobody when a later word is wrong', async () => {
    const sources = {
      sessions: () => Promise.reject(new Error('asked')),
      alive: () => Promise.reject(new Error('asked')),
    };
    const wrong = ['@alive,nobody', '@free,@user', '@alive,p['];
    for (const text of wrong)
      expect(
        await failure(() =>
          withLiveGroups(site, sources, (groups) => selectMachines([text], site, { groups })),
        ),
      ).not.to.have.property('message', 'asked');
  });

  it('asks about as many machines as make a difference, and chooses what the whole truth would', () => {
    const term = fc.constantFrom('@alive', '@all', '@free', 'p1', 'p[1-3]', 'gw', 'p*');
    const more = fc.array(fc.tuple(fc.constantFrom(',', '!', '&', '^'), term), { maxLength: 5 });
    return fc.assert(
      fc.asyncProperty(term, more, fc.subarray(site), async (first, rest, up) => {
        const text = first + rest.map((pair) => pair.join('')).join('');
        const alive = new Set(up.map(({ hostname }) => hostname));
        const free = ['p1', 'p2'];
        const whole = selectMachines([text], site, { groups: { alive: () => alive, free: () => free } });
        const sources = {
          sessions: () => Promise.resolve(['p3', 'p4'].map((hostname) => ({ login: hostname, hostname }))),
          alive: (asked: readonly MachineRecord[]) =>
            Promise.resolve(new Set(asked.map(({ hostname }) => hostname).filter((name) => alive.has(name)))),
        };
        const chosen = await withLiveGroups(site, sources, (groups) =>
          selectMachines([text], site, { groups }),
        );
        expect(names(chosen)).to.equal(names(whole));
      }),
    );
  });
});

describe('what knocking finds alive', () => {
  it('is who takes a connection, not a closed port', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.1.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const there = machine('there');
      const closed = machine('closed', { ip: '127.0.1.2' });
      expect([...(await findAlive([closed, there], port))]).to.deep.equal(['there']);
      expect([...(await findAlive([], port))]).to.deep.equal([]);
    } finally {
      server.close();
    }
  });
});

describe('what knocking finds dead', () => {
  it('is a port that drops what comes, once the time is over', async () => {
    const full =
      'import socket,sys; s=socket.socket(); s.bind(("127.0.1.1",0)); s.listen(0); print(s.getsockname()[1],flush=True); sys.stdin.read()';
    const child = spawn('python3', ['-c', full], { stdio: ['pipe', 'pipe', 'inherit'] });
    const taken: Socket[] = [];
    try {
      const port = Number(String(await new Promise((resolve) => child.stdout.once('data', resolve))));
      let alive = 1;
      for (
        ;
        alive > 0 && taken.length < 10;
        taken.push(connect(port, '127.0.1.1').on('error', () => undefined))
      )
        alive = (await findAlive([machine('full')], port, 100)).size;
      expect(alive).to.equal(0);
    } finally {
      for (const socket of taken) socket.destroy();
      child.kill();
    }
  });
});

describe('a selection', () => {
  async function select(selection: Partial<Selection>, failed?: string[]) {
    const whole = { words: [], ...selection };
    const matching = new Set(await matchFields(site, whole));
    const steps = narrow(site, whole, { matching, failed: failed && new Set(failed), groups: {} });
    return steps.map(([what, left]) => `${what}: ${names(left)}`);
  }

  it('is narrowed in the order that is promised', async () => {
    const selection = { words: ['p[1-4]', 'mdb'], hostname: '^p', rfs: '5', exclude: ['p1'] };
    expect(await select(selection, ['p1', 'p3', 'gone'])).to.deep.equal([
      'in p[1-4] mdb: p3 gw p1 p4 p2',
      'with --hostname --rfs: p3 p1',
      'with --failed: p3 p1',
      'without p1: p3',
    ]);
  });

  it('is all machines without words', async () =>
    expect(await select({})).to.deep.equal(['in MDB: p3 gw p1 p4 p2']));

  it('leaves out by any name, and refuses an unknown one', async () => {
    expect((await select({ exclude: ['netboot', 'p[1-2]'] })).at(-1)).to.equal(
      'without netboot p[1-2]: p3 p4',
    );
    const error = await failure(() => select({ words: ['p1'], exclude: ['p9'] }));
    expect(error).to.include({ kind: 'not-found', message: 'machine p9: not in MDB' });
  });

  const regexes: [Partial<Selection>, string][] = [
    [{ hostname: 'P[12]' }, 'p1 p2'],
    [{ hostname: 'mdb' }, ''],
    [{ ip: '^10\\.' }, 'gw'],
    [{ mac: 'A[1-2]$' }, 'p1 p2'],
    [{ rfs: '1' }, 'p3 p2'],
    [{ rfs: '^(5|20)$' }, 'p1 p4'],
    [{ hfs: '0', mtype: 'serv' }, 'gw'],
    [{ room: 'past', mtype: 'service' }, ''],
    [{ room: '.' }, 'p3 gw p1 p4 p2'],
  ];
  for (const [flags, expected] of regexes)
    it(`${JSON.stringify(flags)} matches ${expected || 'nothing'}`, async () =>
      expect(names(await matchFields(site, flags))).to.equal(expected));

  it('says which option is no regular expression', async () => {
    const error = await failure(() => matchFields(site, { room: 'a', hostname: 'p[' }));
    expect(error.message).to.match(/^--hostname: regex p\[: missing closing \]/);
    expect(error.kind).to.equal('bad-input');
    expect((await failure(() => matchFields(site, { room: '' }))).message).to.equal('--room: empty');
  });

  it('takes linear time for a regular expression that was made to take ages', async () => {
    const long = machine('p', { room: 'a'.repeat(5000) });
    expect(await matchFields([long], { room: '^(a|a|aa)*$x' })).to.deep.equal([]);
  });

  it('leaves out the host that it is at, and says so', async () => {
    const notes: string[] = [];
    const here = new Set(['10.0.0.1', '::1']);
    expect(names(leaveOutThisHost(site, here, (text) => notes.push(text)))).to.equal('p3 p1 p4 p2');
    expect(notes).to.deep.equal(['gw: left out, it is the host that you are at']);
    const error = await failure(() => leaveOutThisHost([gw], here, () => undefined));
    expect(error.message).to.equal('machine gw: it is the host that you are at');
    expect(names(leaveOutThisHost([p1!], here, () => expect.fail()))).to.equal('p1');
  });
});

describe('before machines are touched', () => {
  it('says what, how many, of which types, where, and which are marked faulty', () => {
    const broken = machine('p5', { is_faulty: true, is_faulty_details: 'no \u001b[2Jdisk' });
    expect(describeMachines([...site, broken], 'run `a\nb`', 300)).to.deep.equal([
      'run `a?b` on 6 machines (5 user, 1 service): gw,p[1-5]',
      'marked faulty: p5 (no ?[2Jdisk)',
    ]);
    expect(describeMachines([p1!], `run ${'x'.repeat(50)}`, 10)).to.deep.equal([
      'run xxxxxx… on 1 machine: p1',
    ]);
  });

  const questions: [MachineRecord[], number, string | undefined][] = [
    [site, 4, undefined],
    [site, 3, '5 machines, 4 of contestants: go on?'],
    [[p1!], 0, '1 machine, 1 of contestants: go on?'],
    [[gw], 0, undefined],
  ];
  for (const [machines, askAbove, question] of questions)
    it(`${names(machines)}, above ${askAbove}: ${question ?? 'no question'}`, () =>
      expect(questionFor(machines, askAbove)).to.equal(question));

  it('folds names into the room that there is, and counts the others', () => {
    expect(foldWithin(['p1', 'p2', 'p4'], 10)).to.equal('p[1-2,4]');
    expect(foldWithin(['pas-r01', 'lab-7'], 10)).to.equal('pas-r01 and 1 more');
    expect(foldWithin(['a-very-long-name', 'b'], 10)).to.equal('2 names');
    const name = fc.stringMatching(/^[a-c]{1,3}[0-9]{1,2}$/);
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 40 }), fc.nat(60), (all, room) => {
        const text = foldWithin(all, room);
        const [, fold, more] = /^(.*?)(?: and (\d+) more)?$/.exec(text)!;
        if (text === `${all.length} names`) return;
        expect(fold!.length).to.be.at.most(room);
        const shown = parseNodeset(fold!);
        expect(shown.length + Number(more ?? 0)).to.equal(all.length);
        expect(all).to.include.members(shown);
      }),
    );
  });
});
