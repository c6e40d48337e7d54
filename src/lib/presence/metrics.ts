import { Counter, Gauge, type Registry } from 'prom-client';
import type { Decision } from './decide.ts';

/** Counts what was decided. `presencesync_login_failed` is SADM's. */
export interface PresenceMetrics {
  count(decision: Decision): void;
  /** @param user where UDB knows it: what strangers write names no series */
  refused(reason: string, user: string): void;
}

export function createMetrics(registry: Registry, sessions: () => number): PresenceMetrics {
  const registers = [registry];
  const failed = new Counter({
    name: 'presencesync_login_failed',
    help: 'Count of failed login',
    labelNames: ['reason', 'user'],
    registers,
  });
  const events = new Counter({
    name: 'prolo_presence_events_total',
    help: 'Logins, logouts, sessions that expired, were removed, and refusals',
    labelNames: ['event'],
    registers,
  });
  new Gauge({
    name: 'prolo_presence_sessions',
    help: 'Sessions now',
    registers,
    collect() {
      this.set(sessions());
    },
  });
  return {
    count({ notes, refusal }) {
      for (const { action } of notes) if (action !== 'refused') events.inc({ event: action });
      if (refusal) events.inc({ event: 'refused' });
    },
    refused: (reason, user) => failed.inc({ reason, user }),
  };
}
