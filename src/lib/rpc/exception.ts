import { ProloError } from '../errors.ts';

/** An error that a caller of the RPC brought about, by the name that Python has for it (`exn_type` on the wire). */
export class RpcException extends ProloError {
  readonly exnType: 'ValueError' | 'TypeError' | 'FieldError';

  constructor(
    exnType: RpcException['exnType'],
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super('bad-input', message, options);
    this.exnType = exnType;
  }
}
