import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Counts what a home file server does. `hfs_get_hfs` and `hfs_running_nbd` are SADM's. */
export interface HfsMetrics {
  /** Begins to time a request of a home. @returns what ends it, with `ok` or the kind of the error */
  opening(): (outcome: string) => void;
  /** hfsdb could not be asked, or followed. */
  lost(): void;
}

export function createMetrics(registry: Registry, running: () => number): HfsMetrics {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'hfs_get_hfs',
    help: 'Seconds from the request of a home to its port',
    labelNames: ['outcome'],
    registers,
  });
  new Gauge({
    name: 'hfs_running_nbd',
    help: 'Homes that are served now',
    registers,
    collect() {
      this.set(running());
    },
  });
  const failures = new Counter({
    name: 'prolo_hfs_reconcile_failures_total',
    help: 'How often hfsdb could not be asked or followed',
    registers,
  });
  return {
    opening() {
      const stop = seconds.startTimer();
      return (outcome) => void stop({ outcome });
    },
    lost: () => failures.inc(),
  };
}
