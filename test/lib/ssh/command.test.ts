import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { commandOf } from '../../../src/lib/ssh/command.ts';
import { connect, type Connection } from '../../../src/lib/ssh/connect.ts';
import { openIdentity } from '../../../src/lib/ssh/identity.ts';
import { runCommand } from '../../../src/lib/ssh/run-command.ts';
import { needs } from '../../support/needs.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

/** Words that a shell might take apart, and any others; NUL is in no argv. */
const word = fc.oneof(
  fc.constantFrom(
    '',
    '-n',
    '--',
    '~',
    '~root',
    '*',
    '$HOME',
    '`id`',
    "'",
    "'\\''",
    '"',
    '\\',
    '\n',
    '\r\n',
    '!',
    '#',
    '=x',
    '{a,b}',
    'é☃',
    'a;b',
    '&',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
);
const words = fc.array(word, { minLength: 1, maxLength: 6 });
/** Each argument, with a NUL behind it. */
const echo = ['printf', '%s\\0'];
const expected = (args: readonly string[]): string => args.map((arg) => `${arg}\0`).join('');

describe('an argv', () => {
  it('is the same to a shell that reads it', () => {
    fc.assert(
      fc.property(words, (args) => {
        const heard = execFileSync('sh', ['-c', commandOf([...echo, ...args])]);
        expect(heard.equals(Buffer.from(expected(args)))).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });

  it('of one word is a command line as it is', () => {
    expect(commandOf(['echo "$HOME" | cat'])).to.equal('echo "$HOME" | cat');
    expect(commandOf(['A=b', 'env', '--x=y'])).to.equal("'A=b' env --x=y");
    expect(commandOf(['a b', "it's"])).to.equal(`'a b' 'it'\\''s'`);
  });

  describe('at a machine', function () {
    this.timeout(60_000);
    let sshd: Sshd;
    let connection: Connection;
    before(async function () {
      needs(this, sshPackages);
      sshd = await startSshd({ machines: 1 });
      const hostKeys = {
        algorithmsOf: () => [],
        check: () => undefined,
        missing: () => undefined,
        seen: () => undefined,
      };
      const identity = await openIdentity(sshd.user, sshd.identity, {});
      const target = {
        hostname: 'm1',
        ip: sshd.ip(1),
        port: sshd.port,
        user: sshd.user,
        mtype: 'service',
      } as const;
      connection = await connect(target, { ...identity, hostKeys, connectMs: 10_000, aliveMs: 5000 });
    });
    after(async () => {
      connection?.close();
      await sshd?.stop();
    });

    it('arrives as it was given', () =>
      fc.assert(
        fc.asyncProperty(words, async (args) => {
          const came: Buffer[] = [];
          const sink = {
            write: (_: string, __: string, chunk: Buffer) => void came.push(chunk),
            end: () => undefined,
          };
          const job = { command: commandOf([...echo, ...args]) };
          const { status } = await runCommand(connection, job, sink, { commandMs: 10_000 });
          expect(status).to.equal('ok');
          expect(Buffer.concat(came).equals(Buffer.from(expected(args)))).to.equal(true);
        }),
        { numRuns: 60 },
      ));
  });
});
