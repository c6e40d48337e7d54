import { asProloError, ProloError } from '../errors.ts';
import { post } from '../http/post.ts';
import { signForm } from '../http/signed-form.ts';
import { hfsUrl, type Site } from '../site/site.ts';

/** Where a home is served. */
export interface HomeAddress {
  host: string;
  port: number;
  export: string;
}

/** Longer than a server waits for another that finishes a move. */
const TIMEOUT_MS = 45_000;

/** Asks the nearest home file server. @throws ProloError whose message is for the person who logs in */
export async function askHome(site: Site, hfs: number, login: string): Promise<HomeAddress> {
  const url = hfsUrl(site.config, hfs);
  const data = JSON.stringify({ user: login, hfs, utype: 'user' });
  const form = signForm(site.secret('hfs.shared'), data);
  const type = 'application/x-www-form-urlencoded';
  const { status, text } = await post(`${url}/get_hfs`, form, { type, timeoutMs: TIMEOUT_MS }).catch(
    (cause: unknown) => {
      const { message } = asProloError(cause);
      throw new ProloError('unavailable', `home file server ${hfs} does not answer: ${message}`, {
        hint: 'ask an organiser, or sit down at another machine',
        cause,
      });
    },
  );
  if (status !== 200) {
    const [message = '', ...hint] = text.trim().split('\n');
    throw new ProloError('refused', message, hint.length > 0 ? { hint: hint.join(' ') } : {});
  }
  return { host: new URL(url).hostname, ...parseAnswer(text, hfs, login) };
}

/** SADM's servers name the export by the login. @throws ProloError `unavailable` */
export function parseAnswer(text: string, hfs: number, login: string): Omit<HomeAddress, 'host'> {
  let home: { port?: unknown; export?: unknown } | null | undefined;
  try {
    home = JSON.parse(text) as typeof home;
  } catch {
    home = undefined;
  }
  const { port, export: name = login } = home ?? {};
  if (
    typeof port === 'number' &&
    Number.isInteger(port) &&
    port > 0 &&
    port < 65_536 &&
    typeof name === 'string'
  )
    return { port, export: name };
  throw new ProloError('unavailable', `home file server ${hfs}: an answer that makes no sense`, {
    hint: 'ask an organiser',
  });
}
