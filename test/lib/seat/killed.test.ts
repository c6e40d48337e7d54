import { expect } from 'chai';
import {
  type FakeMachine,
  killed,
  makeCaller,
  makeFakeMachine,
  OPEN_MS,
  type Step,
} from '../../support/fake-seat.ts';

const PAM = 4711;
const LOGIN: Step[] = ['login', 'askHome', 'attach', 'mount'];
const LOGOUT: Step[] = ['endProcesses', 'unmount', 'detach', 'logout'];

/** Does the work in a process that is killed when it comes to that step. */
async function killAt(machine: FakeMachine, step: Step, work: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    machine.before.set(step, () => {
      resolve();
      return killed();
    });
    void work();
  });
  machine.before.clear();
}

describe('presenced is killed', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = makeFakeMachine();
    machine.alive.add(PAM);
  });

  /** The next process: whatever was left is whole or undone, and everybody can log in. */
  async function expectUsable(): Promise<void> {
    const next = machine.start();
    await next.resume(machine.remembered);
    await next.watch();
    if (!next.session) {
      expect(machine.mounts).to.deep.equal([]);
      expect(machine.devices.size).to.equal(0);
    }
    machine.nowMs += OPEN_MS + 1;
    machine.alive.delete(PAM);
    await next.watch();
    expect(machine.mounts).to.deep.equal([]);
    machine.alive.add(PAM);
    await next.open('u2', PAM, makeCaller());
    expect(machine.mounts.map(({ login }) => login)).to.deep.equal(['u2']);
    expect(machine.devices.size).to.equal(1);
  }

  for (const step of LOGIN)
    it(`in a login, at its ${step}: the next process undoes it`, async () => {
      const seat = machine.start();
      await killAt(machine, step, () => seat.open('u1', PAM, makeCaller()));
      await expectUsable();
    });

  for (const step of LOGOUT)
    it(`in a logout, at its ${step}: the next process ends it`, async () => {
      const seat = machine.start();
      await seat.open('u1', PAM, makeCaller());
      await killAt(machine, step, () => seat.close('u1', PAM));
      await expectUsable();
    });

  it('between account and session: the session goes on in the next process', async () => {
    await machine.start().account('u1', makeCaller());
    const next = machine.start();
    await next.resume(machine.remembered);
    await next.open('u1', PAM, makeCaller());
    expect(machine.done.filter((one) => one.startsWith('mount'))).to.have.lengthOf(1);
    await next.close('u1', PAM);
    expect(machine.presence.size).to.equal(0);
  });

  it('under a session: it goes on, its heartbeats too, and its logout ends it', async () => {
    await machine.start().open('u1', PAM, makeCaller());
    const next = machine.start();
    await next.resume(machine.remembered);
    machine.nowMs += OPEN_MS + 1;
    await next.watch();
    expect(machine.mounts).to.have.lengthOf(1);
    await next.heartbeat();
    expect(machine.done.at(-1)).to.equal('heartbeat u1');
    await next.close('u1', PAM);
    expect(machine.mounts).to.deep.equal([]);
    expect(machine.presence.size).to.equal(0);
  });

  it('and the person logs out meanwhile: the next process ends the session', async () => {
    await machine.start().open('u1', PAM, makeCaller());
    machine.alive.delete(PAM);
    const next = machine.start();
    await next.resume(machine.remembered);
    machine.nowMs += OPEN_MS + 1;
    await next.watch();
    expect(machine.mounts).to.deep.equal([]);
    expect(machine.presence.size).to.equal(0);
  });

  it('and the storage died meanwhile: the person is told by the next process', async () => {
    await machine.start().open('u1', PAM, makeCaller());
    machine.devices.clear();
    const next = machine.start();
    await next.resume(machine.remembered);
    await next.watch();
    expect(machine.told[0]).to.match(/^The storage of your home was lost/);
    expect(machine.mounts).to.deep.equal([]);
  });

  it('what was never written down is cleared away', async () => {
    machine.mounts.push({ login: 'u9', device: '/dev/nbd1' });
    machine.devices.add('/dev/nbd1');
    await machine.start().resume(undefined);
    expect(machine.mounts).to.deep.equal([]);
    expect(machine.devices.size).to.equal(0);
  });
});
