import { type ErrorKind, ProloError } from '../errors.ts';

/** How Python's side names what a caller did wrong (`exn_type`), and the HTTP status that goes with it. */
const STATUS = {
  ValueError: 500,
  TypeError: 500,
  FieldError: 500,
  JSONDecodeError: 400,
  MalformedRequest: 400,
  MissingToken: 400,
  BadToken: 403,
  MethodError: 404,
} as const;

export class RpcException extends ProloError {
  readonly exnType: keyof typeof STATUS;

  constructor(exnType: keyof typeof STATUS, message: string, cause?: unknown) {
    super('bad-input', message, { cause });
    this.exnType = exnType;
  }

  override get httpStatus(): number {
    return STATUS[this.exnType];
  }
}

/** What goes over the wire of an error: never a path, a query or a stack of this server. */
export interface WireException {
  status: number;
  exnType: string;
  message: string;
  /** For callers of the site's own: an error of their side, the same as here. */
  kind?: ErrorKind;
  hint?: string;
}

/** An error as servers of the site tell it to each other: nothing of it is hidden, since it goes on to a person. */
export function describeWhole(error: ProloError): WireException {
  const { kind, message, hint } = error;
  return { ...describeRaised(error), message, kind, ...(hint === undefined ? {} : { hint }) };
}

/** An error that a method raised. What is no fault of the call (a full disk, a database that is gone) has its own status. */
export function describeRaised(error: ProloError): WireException {
  if (error instanceof RpcException)
    return { status: error.httpStatus, exnType: error.exnType, message: error.message };
  switch (error.kind) {
    case 'bad-input':
      return { status: 500, exnType: 'ValueError', message: error.message };
    case 'too-many':
      return { status: error.httpStatus, exnType: 'RuntimeError', message: error.message };
    case 'full':
      return { status: error.httpStatus, exnType: 'RuntimeError', message: error.message };
    case 'unavailable':
      return { status: error.httpStatus, exnType: 'RuntimeError', message: 'not available now; try again' };
    case 'failed':
    case 'config':
      return {
        status: 500,
        exnType: 'InternalError',
        message: "internal error; this service's log says more",
      };
    default:
      return { status: 500, exnType: 'RuntimeError', message: error.message };
  }
}
