import { ProloError } from '../lib/errors.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** One home file server. */
export const start: StartDaemon = () => Promise.reject(new ProloError('unavailable', 'hfs: not yet'));
