import type { Logger } from '../log.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';

/** What every daemon gets from the process it runs in. */
export interface DaemonContext {
  site: Site;
  log: Logger;
  /** The gateway's database, opened once a process. @throws ProloError `config` on any other host. */
  store(): Promise<Store>;
  /** Which one of several: 2 of `hfs@2`. */
  number?: number;
  /** Whether the processes that serve homes go on when this ends; they do unless told otherwise. */
  keepHomes?: boolean;
}

export interface RunningDaemon {
  /** Where it listens, `http://…`; undefined for one that only follows feeds. */
  url?: string;
  close(): Promise<void>;
}

/** A daemon starts, and resolves once it can be used. */
export type StartDaemon = (context: DaemonContext) => Promise<RunningDaemon>;
