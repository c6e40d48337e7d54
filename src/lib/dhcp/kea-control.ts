import { connect } from 'node:net';
import { ProloError } from '../errors.ts';

/** Kea's word on a command: 0 done, 1 failed, 2 unknown command, 3 nothing there. */
export interface KeaAnswer {
  result: number;
  text: string;
  arguments: Record<string, unknown>;
}

const TIMEOUT_MS = 10_000;

/**
 * One command over Kea's control socket.
 * @param argumentsJson its arguments, already as JSON, so that Kea's line numbers are those of the text
 * @throws ProloError `unavailable` when no Kea is there; what Kea refuses is an answer, not an error
 */
export async function askKea(
  socketPath: string,
  command: string,
  argumentsJson?: string,
  signal?: AbortSignal,
): Promise<KeaAnswer> {
  const request = `{"command":${JSON.stringify(command)}${argumentsJson ? `,"arguments":${argumentsJson}` : ''}}`;
  const reply = await exchange(socketPath, request, signal).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
      throw new ProloError('unavailable', `kea: not running (${socketPath})`, { cause: error });
    throw new ProloError('failed', `kea: ${command}: ${error.message}`, {
      cause: error,
      ...(error.code === 'EACCES' ? { hint: `this user may not write to ${socketPath}` } : {}),
    });
  });
  return parseAnswer(command, reply);
}

function parseAnswer(command: string, reply: string): KeaAnswer {
  try {
    const answer = JSON.parse(reply) as Partial<KeaAnswer>;
    if (typeof answer.result === 'number')
      return { result: answer.result, text: String(answer.text ?? ''), arguments: answer.arguments ?? {} };
  } catch {
    // told below
  }
  throw new ProloError('failed', `kea: ${command}: cut short after ${reply.length} characters`, {
    hint: 'it may have ended meanwhile',
  });
}

/** Kea answers and hangs up. */
function exchange(path: string, request: string, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path);
    const abort = (): void => void socket.destroy(new Error('aborted'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      signal?.removeEventListener('abort', abort);
      reject(new Error('it hung up'));
    });
  });
}
