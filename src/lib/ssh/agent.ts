import type { Socket } from 'node:net';
import type {
  BaseAgent,
  GetStreamCallback,
  IdentityCallback,
  ParsedKey,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2';
import { ProloError } from '../errors.ts';

/** How long an agent may take to say which keys it has; nobody is asked anything for that. */
const LIST_MS = 5000;
/** An agent works on one signature after the other, and its socket lets some 128 wait. */
const SIGNING_AT_ONCE = 16;

export interface Agent {
  keys: ParsedKey[];
  /** For ssh2, with those of its keys. */
  offering(some: ParsedKey[]): BaseAgent<ParsedKey>;
  /** What is wrong with it right now. */
  trouble(): string | undefined;
}

/**
 * The operator's agent: asked once which keys it has, and for so many signatures at once as it can stand.
 * @param socket of `SSH_AUTH_SOCK`
 * @throws ProloError `unavailable` when nobody answers there
 */
export async function openAgent(socket: string): Promise<Agent> {
  const { default: ssh2 } = await import('ssh2');
  const waiting: (() => void)[] = [];
  let signing = 0;
  let refusal: string | undefined;

  class Offering extends ssh2.OpenSSHAgent {
    constructor(private readonly offered?: ParsedKey[]) {
      super(socket);
    }
    /** One that hangs does not keep us here. */
    override getStream(callback: GetStreamCallback): void {
      super.getStream((error, stream) => {
        (stream as Socket | undefined)?.unref();
        callback(error, stream);
      });
    }
    override getIdentities(callback: IdentityCallback<ParsedKey>): void {
      if (this.offered) callback(null, this.offered);
      else super.getIdentities(callback);
    }
    override sign(key: ParsedKey, data: Buffer, ...rest: unknown[]): boolean {
      const told = rest.pop() as SignCallback;
      const [options = {}] = rest as SigningRequestOptions[];
      const start = (): void => {
        signing++;
        super.sign(key, data, options, (error, signature) => {
          signing--;
          waiting.shift()?.();
          if (!error) return told(null, signature);
          refusal = 'our agent refuses to sign';
          told(new Error(refusal, { cause: error }));
        });
      };
      if (signing < SIGNING_AT_ONCE) start();
      else waiting.push(start);
      return true;
    }
  }
  const keys = await listKeys(new Offering(), socket);
  return {
    keys,
    offering: (some) => new Offering(some),
    trouble: () => refusal ?? (signing > 0 ? 'our agent has not signed: does it ask you?' : undefined),
  };
}

function listKeys(agent: BaseAgent<ParsedKey>, socket: string): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const gone = (what: string, cause?: Error): void =>
      reject(
        new ProloError('unavailable', `agent ${socket}: ${what}`, {
          hint: 'start one (`eval "$(ssh-agent)"; ssh-add`), or name a key: --identity FILE, or ssh.identity in prolo.yml',
          cause,
        }),
      );
    const timer = setTimeout(() => gone(`it does not answer in ${LIST_MS / 1000} s`), LIST_MS);
    agent.getIdentities((error, keys = []) => {
      clearTimeout(timer);
      if (error) gone('nobody answers there', error);
      else resolve(keys as ParsedKey[]);
    });
  });
}
