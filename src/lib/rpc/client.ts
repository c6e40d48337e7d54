import { asProloError, type ErrorKind, isErrorKind, ProloError } from '../errors.ts';
import { post } from '../http/post.ts';
import { cleanText } from '../mdb/validate.ts';
import { makeToken } from './token.ts';

export interface RpcClient {
  /** @throws ProloError with the remote's type and message, or `unavailable` when it cannot be reached. */
  call(method: string, kwargs?: Record<string, unknown>): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Calls the methods of a service.
 * @param secret signs each call, where the method wants a token
 * @param timeoutMs of a call
 */
export function createRpcClient(baseUrl: string, secret?: string, timeoutMs = TIMEOUT_MS): RpcClient {
  return {
    async call(method, kwargs = {}) {
      const hmac = secret === undefined ? {} : { hmac: makeToken(secret, method, Date.now()) };
      const url = `${baseUrl.replace(/\/$/, '')}/call/${encodeURIComponent(method)}`;
      const { status, text } = await send(url, JSON.stringify({ args: [], kwargs, ...hmac }), timeoutMs);
      return readAnswer(url, status, text);
    },
  };
}

async function send(url: string, body: string, timeoutMs: number): Promise<{ status: number; text: string }> {
  try {
    return await post(url, body, { type: 'application/json', timeoutMs, maxBytes: MAX_ANSWER_BYTES });
  } catch (error) {
    throw new ProloError('unavailable', `${url}: ${asProloError(error).message}`, {
      hint: 'is that service running (`prolo up` on the gateway), and may this host speak to it?',
      cause: error,
    });
  }
}

function readAnswer(url: string, status: number, text: string): unknown {
  const answer = parseAnswer(text);
  if (answer?.type === 'result') return answer.data;
  if (answer?.type === 'exception') {
    const type = String(answer.exn_type);
    if (isErrorKind(answer.kind)) {
      const { hint } = answer;
      throw new ProloError(
        answer.kind,
        cleanText(String(answer.exn_message)),
        typeof hint === 'string' ? { hint: cleanText(hint) } : {},
      );
    }
    throw new ProloError(
      kindOf(type, status),
      `${url}: ${cleanText(`${type}: ${String(answer.exn_message)}`)}`,
    );
  }
  throw new ProloError(
    kindOf('', status),
    `${url}: status ${status}, not an answer to a call: ${cleanText(text, 200)}`,
  );
}

function parseAnswer(text: string): Record<string, unknown> | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The remote's fault in this side's words. */
function kindOf(exnType: string, status: number): ErrorKind {
  if (/^(ValueError|TypeError|FieldError|JSONDecodeError|MalformedRequest)$/.test(exnType))
    return 'bad-input';
  if (/^(MissingToken|BadToken)$/.test(exnType) || status === 403) return 'forbidden';
  if (exnType === 'MethodError' || status === 404) return 'not-found';
  if (status === 429) return 'too-many';
  if (status === 507) return 'full';
  return status === 502 || status === 503 || status === 504 ? 'unavailable' : 'failed';
}
