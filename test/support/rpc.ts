import { makeToken } from '../../src/lib/rpc/token.ts';

/** An answer of the RPC, as it came. */
export interface RpcAnswer {
  status: number;
  contentType: string | null;
  body: { type?: string; data?: unknown; exn_type?: string; exn_message?: string; exn_traceback?: unknown };
}

/** Posts a body as it is; what is no JSON of an answer is the test's failure. */
export async function postCall(
  url: string,
  method: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<RpcAnswer> {
  const post = (): Promise<Response> => fetch(`${url}/call/${method}`, { method: 'POST', body });
  // After a body that it did not read to its end, the server hangs up, maybe on a connection that fetch has kept: once more.
  return readAnswer(await post().catch(post));
}

/** A call by keywords, with a token when there is a secret. */
export function callRpc(
  url: string,
  method: string,
  kwargs: Record<string, unknown> = {},
  secret?: string,
): Promise<RpcAnswer> {
  const hmac = secret === undefined ? {} : { hmac: makeToken(secret, method, Date.now()) };
  return postCall(url, method, JSON.stringify({ args: [], kwargs, ...hmac }));
}

export async function readAnswer(response: Response): Promise<RpcAnswer> {
  const body = (await response.json()) as RpcAnswer['body'];
  return { status: response.status, contentType: response.headers.get('content-type'), body };
}

/** `500 ValueError: why`, or the data. */
export function outcome({ status, body }: RpcAnswer): unknown {
  return body.type === 'result' ? body.data : `${status} ${body.exn_type}: ${body.exn_message}`;
}
