import { ProloError } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type Caller, createSeat, type Remembered, type Seat } from '../../src/lib/seat/seat.ts';
import type { Mount, SeatSystem } from '../../src/lib/seat/system.ts';

/** Steps that a test can make fail, or happen when they are reached. */
export type Step =
  'login' | 'logout' | 'heartbeat' | 'askHome' | 'attach' | 'detach' | 'mount' | 'unmount' | 'endProcesses';

/** A machine whose every effect is recorded; it and what it knows outlive presenced's process. */
export interface FakeMachine {
  /** What was done, in order: `login u001`, `attach tok-u001`, `mount nbd0 u001`, … */
  done: string[];
  mounts: Mount[];
  /** Devices that have a server. */
  devices: Set<string>;
  alive: Set<number>;
  /** Called before the step is done; what it throws is the step's failure. */
  before: Map<Step, (word: string) => void | Promise<void>>;
  /** Who is logged on here, as presence has it. */
  presence: Set<string>;
  /** Presence's next answers to a heartbeat. */
  beat: { status: number; text: string };
  refusal?: { status: number; text: string };
  told: string[];
  remembered: Remembered | undefined;
  nowMs: number;
  setClock(ms: number): Promise<void>;
  /** A process of presenced: what an earlier one still does is of no effect any more. */
  start(): Seat;
}

export const HOSTNAME = 'pas-r01p01';
export const OPEN_MS = 60_000;

/** Thrown into whatever a killed process was at: it never comes back from there. */
export const killed = (): Promise<never> => new Promise<never>(() => undefined);

export function makeFakeMachine(): FakeMachine {
  const machine: FakeMachine = {
    done: [],
    mounts: [],
    devices: new Set(),
    alive: new Set(),
    before: new Map(),
    presence: new Set(),
    beat: { status: 200, text: '' },
    told: [],
    remembered: undefined,
    nowMs: 0,
    setClock: () => Promise.resolve(),
    start: () => startSeat(machine),
  };
  return machine;
}

function startSeat(machine: FakeMachine): Seat {
  const step = async (name: Step, word: string): Promise<void> => {
    await machine.before.get(name)?.(word);
    machine.done.push(`${name} ${word}`);
  };
  const system: SeatSystem = {
    prepare: () => Promise.resolve(),
    uidOf: (login) => Promise.resolve(/^u\d+$/.test(login) ? 10_000 + Number(login.slice(1)) : undefined),
    async attach(home) {
      await step('attach', home.export);
      const device = `/dev/nbd${[0, 1, 2].find((n) => !machine.devices.has(`/dev/nbd${n}`))}`;
      machine.devices.add(device);
      return device;
    },
    async detach(device) {
      await step('detach', device);
      machine.devices.delete(device);
    },
    async mount(device, login) {
      await step('mount', `${device} ${login}`);
      machine.mounts.push({ device, login });
    },
    async unmount(login) {
      if (!machine.mounts.some((mount) => mount.login === login)) return;
      await step('unmount', login);
      machine.mounts = machine.mounts.filter((mount) => mount.login !== login);
    },
    mounted: () => [...machine.mounts],
    attached: () => [...machine.devices],
    isAttached: (device) => machine.devices.has(device),
    endProcesses: (uid) => step('endProcesses', String(uid)),
    isAlive: (pid) => machine.alive.has(pid),
    tell: (_uid, text) => void machine.told.push(text),
    setClock: (ms) => machine.setClock(ms),
  };
  return createSeat({
    log: silentLog,
    system,
    identity: () => ({ hostname: HOSTNAME, ip: '10.0.0.1', hfs: 0 }),
    async tellPresence(verb, { login, hostname }) {
      if (hostname !== HOSTNAME) throw new Error(`presence: ${hostname}`);
      await step(verb, login);
      if (verb === 'heartbeat') return machine.beat;
      if (verb === 'login' && machine.refusal) return machine.refusal;
      if (verb === 'login') machine.presence.add(login);
      else machine.presence.delete(login);
      return { status: 200, text: '' };
    },
    async askHome(_hfs, login) {
      await step('askHome', login);
      return { host: '127.0.0.1', port: 1, export: `tok-${login}` };
    },
    remember(session) {
      machine.remembered = session && {
        login: session.login,
        hostname: session.hostname,
        holders: [...session.holders],
      };
      return Promise.resolve();
    },
    nowMs: () => machine.nowMs,
    openMs: OPEN_MS,
  });
}

export const broken = (what: string) => (): never => {
  throw new ProloError('unavailable', what);
};

/** Somebody who waits, and what was said meanwhile. */
export function makeCaller(): Caller & { said: string[]; left: boolean } {
  const caller = {
    said: [] as string[],
    left: false,
    progress: (text: string) => void caller.said.push(text),
    gone: () => caller.left,
  };
  return caller;
}
