import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import type { Config } from '../site/schema.ts';
import type { Logger } from '../log.ts';
import {
  isStuck,
  type Progress,
  report,
  setBack,
  STAGES,
  type StageEvent,
  type StageReport,
  type Tracker,
  track,
} from './stages.ts';

export interface StageHub {
  on(event: StageEvent): void;
  reports(): StageReport[];
  /** Hears of every change from now on, and of a machine that gets stuck. @returns how to stop */
  subscribe(listener: (changed: StageReport) => void): () => void;
  close(): Promise<void>;
}

interface Options {
  config: Config;
  /** A machine's hostname in MDB. */
  hostnameOf(mac: string): string | undefined;
  /** Where the stages are kept while the daemon is down. */
  file: string;
  log: Logger;
}

/** The stages of all machines, told to whoever watches, and kept over a restart. */
export async function createStageHub({ config, hostnameOf, file, log }: Options): Promise<StageHub> {
  const tracker = await load(file, log);
  const listeners = new Set<(changed: StageReport) => void>();
  const { stuckSeconds } = config.netboot;
  const stuck = new Set<string>();
  let dirty = false;
  const describe = (progress: Progress) =>
    report(progress, hostnameOf(progress.mac), Date.now(), stuckSeconds);
  const tell = (progress: Progress): void => {
    if (listeners.size === 0) return;
    const changed = describe(progress);
    for (const listener of listeners) listener(changed);
  };
  const look = (): void => {
    const now = Date.now();
    setBack(tracker, now);
    for (const [mac, progress] of tracker) {
      if (!isStuck(progress, now, stuckSeconds)) stuck.delete(mac);
      else if (!stuck.has(mac)) {
        stuck.add(mac);
        tell(progress);
      }
    }
  };
  const save = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    await writeFileAtomic(file, JSON.stringify([...tracker.values()])).catch((error: unknown) =>
      log.warn({ file, error: String(error) }, 'netboot: cannot keep the stages'),
    );
  };
  const timers = [setInterval(look, 1000), setInterval(() => void save(), 5000)];
  return {
    on(event) {
      const changed = track(tracker, event);
      if (!changed) return;
      dirty = true;
      stuck.delete(event.mac);
      tell(changed);
    },
    reports: () => [...tracker.values()].map(describe),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      timers.forEach(clearInterval);
      await save();
    },
  };
}

async function load(file: string, log: Logger): Promise<Tracker> {
  try {
    const kept = JSON.parse((await readFileIfThere(file)) ?? '[]') as Progress[];
    return new Map(kept.filter(isProgress).map((progress) => [progress.mac, progress]));
  } catch (error) {
    log.warn({ file, error: String(error) }, 'netboot: the stages of before cannot be read');
    return new Map();
  }
}

function isProgress(value: Partial<Progress> | null): value is Progress {
  return (
    typeof value?.mac === 'string' &&
    typeof value.sinceMs === 'number' &&
    typeof value.ip === 'string' &&
    typeof value.note === 'string' &&
    STAGES.includes(value.stage!)
  );
}
