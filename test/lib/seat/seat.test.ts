import { expect } from 'chai';
import type { Seat } from '../../../src/lib/seat/seat.ts';
import { broken, type FakeMachine, makeCaller, makeFakeMachine, OPEN_MS } from '../../support/fake-seat.ts';
import { rejection } from '../../support/rejection.ts';

const PAM = 4711;

describe('a seat', () => {
  let machine: FakeMachine;
  let seat: Seat;
  beforeEach(() => {
    machine = makeFakeMachine();
    machine.alive.add(PAM);
    seat = machine.start();
  });

  async function logIn(login: string, holder = PAM): Promise<string[]> {
    const caller = makeCaller();
    await seat.account(login, caller);
    await seat.open(login, holder, caller);
    return caller.said;
  }
  const refused = async (login: string): Promise<string> =>
    (await rejection(seat.account(login, makeCaller()))).message;
  function expectEmpty(): void {
    expect(machine.mounts).to.deep.equal([]);
    expect([...machine.devices]).to.deep.equal([]);
    expect([...machine.presence]).to.deep.equal([]);
    expect(machine.remembered).to.equal(undefined);
    expect(seat.session).to.equal(undefined);
  }

  it('a login: presence first, then the home, its device, its mount; once for account and session', async () => {
    expect(await logIn('u1')).to.deep.equal(['asking for your home', 'opening your home']);
    expect(machine.done).to.deep.equal(['login u1', 'askHome u1', 'attach tok-u1', 'mount /dev/nbd0 u1']);
    expect(machine.remembered).to.deep.equal({ login: 'u1', hostname: 'pas-r01p01', holders: [PAM] });
  });

  it('a logout: processes, mount, device, and then presence', async () => {
    await logIn('u1');
    machine.done = [];
    await seat.close('u1', PAM);
    expect(machine.done).to.deep.equal(['endProcesses 10001', 'unmount u1', 'detach /dev/nbd0', 'logout u1']);
    expectEmpty();
    await logIn('u2');
    expect(machine.mounts).to.deep.equal([{ device: '/dev/nbd0', login: 'u2' }]);
  });

  it('presence refuses: its sentence is the answer, and nothing was touched', async () => {
    machine.refusal = { status: 423, text: 'you are logged on at pas-r03p07' };
    expect(await refused('u1')).to.equal('you are logged on at pas-r03p07');
    expect(machine.done).to.deep.equal(['login u1']);
    expectEmpty();
  });

  it('nobody of the site: no question is asked', async () => {
    expect(await refused('root')).to.equal('root is not known on this machine');
    expect(machine.done).to.deep.equal([]);
  });

  for (const step of ['askHome', 'attach', 'mount'] as const)
    it(`${step} fails: the login is undone, the next one works`, async () => {
      machine.before.set(step, broken(`${step}: no`));
      expect(await refused('u1')).to.equal(`${step}: no`);
      expectEmpty();
      machine.before.clear();
      await logIn('u1');
      expect(machine.mounts).to.have.lengthOf(1);
    });

  it('the gateway does not answer: a sentence, without an address in it', async () => {
    machine.before.set('login', broken('presencesync http://gw:20060: ECONNREFUSED'));
    expect(await refused('u1')).to.equal('the gateway does not answer, so nobody can log in now');
    expectEmpty();
  });

  it('a logout while the gateway is away frees the seat', async () => {
    await logIn('u1');
    machine.before.set('logout', broken('away'));
    await seat.close('u1', PAM);
    expect(seat.session).to.equal(undefined);
    expect(machine.mounts).to.deep.equal([]);
  });

  for (const step of ['endProcesses', 'unmount', 'detach'] as const)
    it(`a logout whose ${step} fails goes on to its end; the next login clears what is left`, async () => {
      await logIn('u1');
      machine.before.set(step, broken('no'));
      await seat.close('u1', PAM);
      expect(seat.session).to.equal(undefined);
      expect(machine.presence.size).to.equal(0);
      machine.before.clear();
      await logIn('u2');
      expect(machine.mounts.map(({ login }) => login)).to.deep.equal(['u2']);
      expect(machine.devices.size).to.equal(1);
    });

  it('two ways in: the session lasts until both are closed', async () => {
    machine.alive.add(4712);
    await logIn('u1');
    await logIn('u1', 4712);
    await seat.close('u1', PAM);
    expect(seat.session?.login).to.equal('u1');
    await seat.close('u1', 4712);
    expectEmpty();
  });

  it('one of two ways in died: the other one’s close ends the session', async () => {
    machine.alive.add(4712);
    await logIn('u1');
    await logIn('u1', 4712);
    machine.alive.delete(PAM);
    await seat.close('u1', 4712);
    expectEmpty();
  });

  it('a login whose session never begins is undone in time', async () => {
    await seat.account('u1', makeCaller());
    machine.nowMs = OPEN_MS - 1;
    await seat.watch();
    expect(seat.session?.login).to.equal('u1');
    machine.nowMs = OPEN_MS + 1;
    await seat.watch();
    expectEmpty();
  });

  it('a login that failed half-way and is tried again starts its time anew', async () => {
    await seat.account('u1', makeCaller());
    machine.nowMs = OPEN_MS - 1;
    await seat.account('u1', makeCaller());
    machine.nowMs = OPEN_MS + 1;
    await seat.watch();
    expect(seat.session?.login).to.equal('u1');
  });

  it('what held a session died: it ends, without a logout', async () => {
    await logIn('u1');
    machine.alive.delete(PAM);
    machine.nowMs = OPEN_MS + 1;
    await seat.watch();
    expectEmpty();
  });

  it('somebody else’s session is on: refused; once what held it is dead, the next one is let in', async () => {
    await logIn('u1');
    expect(await refused('u2')).to.equal('u1 is still logged on here');
    machine.alive.delete(PAM);
    await logIn('u2');
    expect([...machine.presence]).to.deep.equal(['u2']);
  });

  it('two logins at once: the second one does not throw out who is on the way in', async () => {
    const [first, second] = await Promise.allSettled([
      seat.account('u1', makeCaller()),
      seat.account('u2', makeCaller()),
    ]);
    expect(first.status).to.equal('fulfilled');
    expect((second as PromiseRejectedResult).reason).to.have.property(
      'message',
      'u1 is logging on here: try again in a minute',
    );
    await seat.open('u1', PAM, makeCaller());
    expect(machine.mounts.map(({ login }) => login)).to.deep.equal(['u1']);
  });

  it('a hundred requests at once: one home, one session', async () => {
    const asked = Array.from({ length: 100 }, (_, n) => seat.account(`u${n % 10}`, makeCaller()));
    const results = await Promise.allSettled(asked);
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(10);
    expect(machine.done.filter((one) => one.startsWith('mount'))).to.deep.equal(['mount /dev/nbd0 u0']);
  });

  it('who gave up waiting is not let in by a request that came late', async () => {
    const caller = makeCaller();
    caller.left = true;
    expect((await rejection(seat.account('u1', caller))).message).to.equal('the login was given up');
    expectEmpty();
  });

  it('a session that nobody waited for any more is not held, and undone in time', async () => {
    const caller = makeCaller();
    machine.before.set('mount', () => void (caller.left = true));
    await seat.open('u1', PAM, caller);
    machine.nowMs = OPEN_MS + 1;
    await seat.watch();
    expectEmpty();
  });

  it('a heartbeat that is refused ends the session, with words for the person', async () => {
    await logIn('u1');
    machine.beat = { status: 423, text: 'you are logged on at pas-r03p07' };
    await seat.heartbeat();
    expect(machine.told).to.deep.equal(['Your session here has ended: you are logged on at pas-r03p07.']);
    expectEmpty();
  });

  for (const status of [403, 500, 503])
    it(`a heartbeat that is answered with ${status} ends nothing`, async () => {
      await logIn('u1');
      machine.beat = { status, text: 'no' };
      await seat.heartbeat();
      expect(seat.session?.login).to.equal('u1');
    });

  it('a heartbeat without a gateway ends nothing', async () => {
    await logIn('u1');
    machine.before.set('heartbeat', broken('away'));
    await rejection(seat.heartbeat());
    expect(seat.session?.login).to.equal('u1');
  });

  it('a refusal of the last session’s heartbeat does not end the next session', async () => {
    await logIn('u1');
    machine.beat = { status: 423, text: 'ended' };
    let answer = (): void => undefined;
    machine.before.set('heartbeat', () => new Promise((resolve) => (answer = resolve)));
    const beat = seat.heartbeat();
    await seat.close('u1', PAM);
    await logIn('u1');
    answer();
    await beat;
    expect(seat.session?.login).to.equal('u1');
  });

  it('the storage of a home dies under a session: the person is told, and is in again at once', async () => {
    await logIn('u1');
    machine.devices.clear();
    await seat.watch();
    expect(machine.told[0]).to.match(/^The storage of your home was lost/);
    expectEmpty();
    const said = await logIn('u1');
    expect(said.at(-1)).to.match(/^The storage of your home was lost/);
    expect(machine.mounts).to.have.lengthOf(1);
    expect((await logIn('u1')).join()).not.to.contain('lost');
  });

  it('the storage died, and the login comes before that was noticed: what is left goes first', async () => {
    await logIn('u1');
    machine.devices.clear();
    machine.done = [];
    await logIn('u1');
    expect(machine.done.slice(0, 3)).to.deep.equal(['login u1', 'endProcesses 10001', 'unmount u1']);
    expect(machine.mounts).to.have.lengthOf(1);
  });

  it('the logout of a session that was lost does not end the next one, which nobody holds yet', async () => {
    await logIn('u1');
    machine.devices.clear();
    await seat.watch();
    await seat.account('u1', makeCaller());
    await seat.close('u1', PAM);
    expect(seat.session?.login).to.equal('u1');
    expect(machine.mounts).to.have.lengthOf(1);
  });

  it('a logout of who is not here ends nothing', async () => {
    await logIn('u1');
    await seat.close('u2', PAM);
    expect(seat.session?.login).to.equal('u1');
  });
});
