import { Type } from 'typebox';
import { MAX_SECONDS } from '../../ssh/max-seconds.ts';
import { strict, text } from './shared.ts';

export const Ssh = Type.Object(
  {
    user: text('who logs in on the machines', 'root'),
    port: Type.Integer({ minimum: 1, maximum: 65535, description: 'of sshd', default: 22 }),
    identity: text("a private key's file, beside prolo.yml or absolute; empty: the agent, then ~/.ssh", ''),
    pcKey: Type.Enum(['own', 'shared'], {
      description:
        "host keys of machines that boot what contestants' PCs boot: the first one that each shows, or the one of the secret `ssh.pcs`",
      default: 'own',
    }),
    fanout: Type.Integer({ minimum: 1, description: 'connections at once', default: 200 }),
    connectSeconds: Type.Integer({
      minimum: 1,
      maximum: MAX_SECONDS,
      description: 'how long a machine may take to let us in',
      default: 10,
    }),
    commandSeconds: Type.Integer({
      minimum: 0,
      maximum: MAX_SECONDS,
      description: 'how long a command may take; 0: as long as it likes',
      default: 600,
    }),
    aliveSeconds: Type.Integer({
      minimum: 1,
      maximum: MAX_SECONDS,
      description: 'a machine that says nothing for three times that has gone',
      default: 5,
    }),
    askAbove: Type.Integer({
      minimum: 0,
      description: 'how many machines of contestants are touched without a question',
      default: 10,
    }),
    perSwitch: Type.Integer({
      minimum: 1,
      description: 'machines of one switch that are started, or start anew, at once',
      default: 8,
    }),
    waveSeconds: Type.Integer({
      minimum: 0,
      maximum: 3600,
      description: 'until the next ones of that switch',
      default: 20,
    }),
  },
  { ...strict, default: {} },
);
