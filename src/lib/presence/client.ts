import { asProloError, ProloError } from '../errors.ts';
import { signForm } from '../http/signed-form.ts';
import { serviceUrl, type Site } from '../site/site.ts';
import type { Pair, Verb } from './state.ts';

export interface PresenceAnswer {
  status: number;
  /** The reason, where it was refused. */
  text: string;
}

const TIMEOUT_MS = 10_000;

/** Says one thing to presencesync. @throws ProloError `unavailable` when it cannot be reached */
export async function tellPresence(site: Site, verb: Verb, pair: Pair): Promise<PresenceAnswer> {
  const data = JSON.stringify({ login: pair.login, hostname: pair.hostname });
  return exchange(site, `/${verb}`, signForm(site.secret('presencesync.publish'), data));
}

/** Who is where, by login. @throws ProloError `unavailable`, `forbidden` */
export async function fetchPresence(site: Site): Promise<Record<string, string>> {
  const query = signForm(site.secret('presencesync.subscribe'), '{}');
  const { status, text } = await exchange(site, `/get_list?${query}`);
  if (status === 200) return JSON.parse(text) as Record<string, string>;
  throw new ProloError(status === 403 ? 'forbidden' : 'unavailable', `presencesync: ${text}`);
}

/** Whether presencesync answers. @throws ProloError `unavailable` */
export async function pingPresence(site: Site): Promise<void> {
  await exchange(site, '/__ping');
}

async function exchange(site: Site, path: string, body?: string): Promise<PresenceAnswer> {
  const { request } = await import('undici');
  const url = serviceUrl(site.config, 'presencesync');
  try {
    const response = await request(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.statusCode, text: (await response.body.text()).trim() };
  } catch (cause) {
    throw new ProloError('unavailable', `presencesync ${url}: ${asProloError(cause).message}`, {
      hint: 'is presencesync running on the gateway? `prolo up`, or `prolo daemon presencesync`',
      cause,
    });
  }
}
