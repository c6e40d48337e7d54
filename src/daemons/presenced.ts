import { ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** What a seat does at login and logout. */
export const start: StartDaemon = () => Promise.reject(new ProloError('unavailable', 'presenced: not yet'));
