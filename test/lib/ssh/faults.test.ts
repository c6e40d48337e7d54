import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import ssh2 from 'ssh2';
import { connect, type Connector } from '../../../src/lib/ssh/connect.ts';
import { openAccess } from '../../../src/lib/ssh/open.ts';
import type { Job, Outcome, Stream, Target } from '../../../src/lib/ssh/protocol.ts';
import { runCommand } from '../../../src/lib/ssh/run-command.ts';
import { runEverywhere } from '../../../src/lib/ssh/run-everywhere.ts';
import { type FaultyHost, startDroppingHost, startHost } from '../../support/faulty-host.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { makeSshSite, type SshSite, sshPackages } from '../../support/ssh-site.ts';

const IDENT = 'SSH-2.0-Test\r\n';

/** Faults of its sshd are Match blocks of the address; other addresses have no sshd, or something else. */
const AT = { banner: 2, hugeBanner: 3, noSessions: 4, noShell: 5, noKey: 6, old: 7 };

describe('machines that misbehave', function () {
  this.timeout(60_000);
  let site: SshSite;
  let connector: Connector;
  let port: number;
  let dir: string;
  const hosts: FaultyHost[] = [];
  before(async function () {
    needs(this, sshPackages);
    const match = (n: number, ...lines: string[]): string[] => [`Match LocalAddress 127.0.1.${n}`, ...lines];
    dir = mkdtempSync(join(tmpdir(), 'prolo-faults-'));
    writeFileSync(join(dir, 'banner'), 'Contestants only \u001b[2J\n');
    writeFileSync(join(dir, 'huge'), 'x'.repeat(60_000));
    site = await makeSshSite({
      machines: 8,
      match: [
        ...match(AT.banner, `Banner ${dir}/banner`),
        ...match(AT.hugeBanner, `Banner ${dir}/huge`),
        ...match(AT.noSessions, 'MaxSessions 0'),
        ...match(AT.noShell, 'ForceCommand /usr/sbin/nologin'),
        ...match(AT.noKey, 'AuthorizedKeysFile none'),
      ],
      ssh: { connectSeconds: 2, aliveSeconds: 1 },
    });
    port = site.sshd.port;
    ({ connector } = await openAccess(site.test.site, {}));
  });
  after(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await site?.stop();
    if (dir) rmSync(dir, { recursive: true });
  });

  const target = (n: number): Target => ({
    hostname: `m${n}`,
    ip: `127.0.1.${n}`,
    port,
    user: site.sshd.user,
    mtype: 'service',
  });
  const at = async (n: number, greet: (socket: Socket) => void): Promise<Target> => {
    hosts.push(await startHost(`127.0.1.${n}`, port, greet));
    return target(n);
  };
  /** What came of one machine. */
  const run = async (
    where: Target,
    command: string,
    { commandMs = 20_000, signal }: { commandMs?: number; signal?: AbortSignal } = {},
    job: Omit<Job, 'command'> = {},
  ): Promise<{ outcome: Outcome; out: string; err: string }> => {
    const came: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
    let ends = 0;
    const sink = {
      write: (_: string, stream: Stream, chunk: Buffer) => {
        expect(ends).to.equal(0);
        came[stream].push(chunk);
      },
      end: () => void ends++,
    };
    const limits = { fanout: 10, commandMs, ...(signal ? { signal } : {}) };
    const [outcome] = await runEverywhere([where], { command, ...job }, connector, sink, limits);
    expect(ends).to.equal(1);
    return {
      outcome: outcome!,
      out: Buffer.concat(came.stdout).toString('latin1'),
      err: Buffer.concat(came.stderr).toString('latin1'),
    };
  };

  describe('on the way in', () => {
    it('a port that drops is unreachable when time is up, not later', async () => {
      hosts.push(await startDroppingHost('127.0.1.101', port));
      const { outcome } = await run(target(101), 'true');
      expect(outcome).to.include({ status: 'unreachable', reason: 'it does not answer' });
      expect(outcome.ms).to.be.within(1900, 6000);
    });

    it('a port that nobody listens at', async () => {
      const { outcome } = await run(target(102), 'true');
      expect(outcome).to.include({ status: 'unreachable', reason: 'no sshd listens there' });
    });

    it('one that takes connections and says nothing', async () => {
      const { outcome } = await run(await at(103, (s) => void s.resume()), 'true');
      expect(outcome).to.include({ status: 'unreachable', reason: 'it takes connections, and says nothing' });
    });

    it('one that is no SSH server: what it says is quoted, and moves no cursor', async () => {
      const { outcome } = await run(await at(104, (s) => s.write('220 mail\u001b[2J ready\r\n')), 'true');
      expect(outcome.status).to.equal('unreachable');
      expect(outcome.reason).to.equal('it does not say that it is an SSH server: “220 mail?[2J ready”');
    });

    it('one that sends no end of garbage', async () => {
      const host = await at(105, (s) => {
        const more = (): void => void (s.writable && s.write(Buffer.alloc(16_384, 'a\n'), more));
        more();
      });
      const { outcome } = await run(host, 'true');
      expect(outcome.reason).to.match(/^it speaks no SSH: “a”$/);
      expect(outcome.ms).to.be.below(1900);
    });

    it('one that hangs up at once, and one that says why', async () => {
      const silent = await run(await at(106, (s) => s.end()), 'true');
      expect(silent.outcome).to.include({ status: 'unreachable', reason: 'it hung up' });
      const host = await at(107, (s) => s.end('Exceeded MaxStartups\r\n'));
      expect((await run(host, 'true')).outcome.reason).to.equal('it hung up: “Exceeded MaxStartups”');
      const reset = await at(108, (s) => s.resetAndDestroy());
      expect((await run(reset, 'true')).outcome).to.include({ status: 'unreachable', reason: 'it hung up' });
    });

    it('one that says it is an SSH server, and no more', async () => {
      const { outcome } = await run(await at(109, (s) => void s.resume().write(IDENT)), 'true');
      expect(outcome).to.include({
        status: 'unreachable',
        reason: 'it does not finish the key exchange',
      });
    });

    it('one that breaks the rules later', async () => {
      const garbage = await at(110, (s) => s.write(`${IDENT}${'\u00ff'.repeat(64)}`));
      expect((await run(garbage, 'true')).outcome.reason).to.match(/^it breaks SSH's rules: /);
      const old = await at(111, (s) => s.write('SSH-1.5-Old\r\n'));
      expect((await run(old, 'true')).outcome.reason).to.match(/^it breaks SSH's rules: /);
    });

    it('a server of other algorithms is refused, with what they differ in', async () => {
      const server = await startSsh2(
        120,
        { algorithms: { kex: ['diffie-hellman-group1-sha1'] } },
        () => undefined,
      );
      const { outcome } = await run(server, 'true');
      expect(outcome).to.include({
        status: 'refused',
        reason: 'it and we have no key exchange algorithm in common',
      });
    });

    it('one that never says whether we are in', async () => {
      const server = await startSsh2(121, {}, (client) => client.on('authentication', () => undefined));
      const { outcome } = await run(server, 'true');
      expect(outcome).to.include({
        status: 'unreachable',
        reason: 'it neither lets us in nor says no',
      });
    });

    it('one that takes none of our keys', async () => {
      const { outcome } = await run(target(AT.noKey), 'true');
      expect(outcome.status).to.equal('refused');
      expect(outcome.reason).to.equal(`it takes no key of ours for ${site.sshd.user}`);
      const nobody = await openAccess(site.test.site, { user: 'nobody-here' });
      const error = await rejection(connect({ ...target(1), user: 'nobody-here' }, nobody.connector));
      expect(error).to.include({ status: 'refused', message: 'it takes no key of ours for nobody-here' });
    });

    it('a banner is no output, and a slow one, byte after byte, is waited for', async () => {
      const { outcome, out, err } = await run(target(AT.banner), 'echo hello');
      expect({ status: outcome.status, out, err }).to.deep.equal({ status: 'ok', out: 'hello\n', err: '' });
      const slow = await at(112, (s) => void slowly(s, `Hello,\r\nthere\r\n${IDENT}`));
      expect((await run(slow, 'true')).outcome.reason).to.equal('it does not finish the key exchange');
    });

    it('a banner that is too long for one packet of ours is said so', async () => {
      const { outcome } = await run(target(AT.hugeBanner), 'echo hello');
      expect(outcome.reason ?? outcome.status).to.match(/^it breaks SSH's rules: Bad packet length/);
    });
  });

  describe('once we are in', () => {
    it('one that runs nothing for us', async () => {
      const { outcome } = await run(target(AT.noSessions), 'true');
      expect(outcome.status).to.equal('refused');
      expect(outcome.reason).to.match(/^it runs no command for us: /);
      const { outcome: second, out } = await run(target(AT.noShell), 'true');
      expect(second).to.include({ status: 'failed', exitCode: 1 });
      expect(out).to.match(/not available/);
    });

    it('one that does not answer to the command is out of time', async () => {
      const server = await startSsh2(122, {}, (client) =>
        client.on('authentication', (auth) => auth.accept()).on('session', () => undefined),
      );
      const { outcome } = await run(server, 'true', { commandMs: 500 });
      expect(outcome).to.include({ status: 'timeout', reason: 'no end in 0.5 s' });
    });

    it('one that starts the command, and says no more', async () => {
      const server = await startSsh2(123, {}, (client) =>
        client
          .on('authentication', (auth) => auth.accept())
          .on('session', (accept) => accept().on('exec', (start) => start().write('half a li'))),
      );
      const { outcome, out } = await run(server, 'true', { commandMs: 500 });
      expect(outcome).to.include({ status: 'timeout', reason: 'no end in 0.5 s' });
      expect(out).to.equal('half a li');
    });

    it('one that ends the output, or the command, without saying how', async () => {
      const server = await startSsh2(124, {}, (client) =>
        client
          .on('authentication', (auth) => auth.accept())
          .on('session', (accept) => accept().on('exec', (start) => start().end('done\n'))),
      );
      const { outcome, out } = await run(server, 'true', { commandMs: 2000 });
      expect(out).to.equal('done\n');
      expect(outcome).to.include({
        status: 'unreachable',
        reason: 'it ended without saying how the command did',
      });
    });

    it('one that sends more than it may: it is cut off, and little of that is kept', async () => {
      let left!: () => void;
      const isCut = new Promise<void>((resolve) => (left = resolve));
      const server = await startSsh2(125, {}, (client) =>
        client
          .on('close', left)
          .on('authentication', (auth) => auth.accept())
          .on('session', (accept) =>
            accept().on('exec', (start) => {
              const channel = start();
              (channel as unknown as { outgoing: { window: number } }).outgoing.window = Infinity;
              for (let sent = 0; sent < 8 * 1024 ** 2; sent += 32_768)
                (sent % 65_536 ? channel : channel.stderr).write(Buffer.alloc(32_768));
            }),
          ),
      );
      let bytes = 0;
      const sink = {
        write: async (_: string, __: Stream, chunk: Buffer) => {
          bytes += chunk.length;
          await isCut;
        },
        end: () => undefined,
      };
      const limits = { fanout: 1, commandMs: 20_000 };
      const [outcome] = await runEverywhere([server], { command: 'true' }, connector, sink, limits);
      expect(outcome).to.include({
        status: 'unreachable',
        reason: "it breaks SSH's rules: it sends more than it may",
      });
      expect(bytes).to.be.within(1, 2 * 1024 ** 2);
    });

    it('one that hangs up amid the output: what came is kept', async () => {
      const { outcome, out } = await run(target(1), 'echo first; sleep 0.5; kill -9 $PPID; sleep 5');
      expect(out).to.equal('first\n');
      expect(outcome).to.include({ status: 'unreachable', reason: 'it hung up' });
    });

    it('one whose command is killed', async () => {
      const { outcome } = await run(target(1), 'kill -9 $$');
      expect(outcome).to.include({ status: 'failed', signal: 'KILL', reason: 'killed by KILL' });
    });

    it('one that freezes: it is gone after three times nothing', async () => {
      const frozen = join(site.sshd.home, 'frozen');
      const running = run(
        target(1),
        `echo $PPID > ${frozen}; echo on; sleep 0.5; kill -STOP $PPID; sleep 30`,
      );
      const { outcome, out } = await running;
      execFileSync('kill', ['-9', readFileSync(frozen, 'utf8').trim()]);
      expect(outcome).to.include({ status: 'timeout', reason: 'it answers no more' });
      expect(out).to.equal('on\n');
      expect(outcome.ms).to.be.within(3000, 8000);
    });

    it('a command that runs out of time is sent SIGTERM, one that nobody waits for is not', async () => {
      // An sshd does that for anybody but root, and says so.
      const refused = (): number => site.sshd.log().split('session_signal_req').length - 1;
      const ended = join(site.sshd.home, 'ended');
      const loop = `trap 'echo >> ${ended}; exit' TERM; echo on; while :; do sleep 0.1; done`;
      const count = (): number => refused() + (existsSync(ended) ? readFileSync(ended).length : 0);
      const { outcome, out } = await run(target(1), loop, { commandMs: 500 });
      expect(outcome).to.include({ status: 'timeout', reason: 'no end in 0.5 s' });
      expect(out).to.equal('on\n');
      await until(() => count() === 1);
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 300);
      await run(target(1), 'sleep 1; echo', { signal: stop.signal });
      await run(target(1), 'sleep 1');
      expect(count()).to.equal(1);
    });

    it('an operator who does not wait, at each stage', async () => {
      for (const [where, command] of [
        [await at(113, () => undefined), 'true'],
        [target(1), 'echo on; sleep 20'],
      ] as const) {
        const stop = new AbortController();
        setTimeout(() => stop.abort(), 400);
        const { outcome } = await run(where, command, { signal: stop.signal });
        expect(outcome).to.include({ status: 'stopped', reason: 'not waited for' });
        expect(outcome.ms).to.be.below(3000);
      }
      const { outcome } = await run(target(1), 'true', { signal: AbortSignal.abort() });
      expect(outcome.status).to.equal('stopped');
    });

    it('one command out of time leaves the connection to the next', async () => {
      const connection = await connect(target(1), connector);
      const sink = { write: () => undefined, end: () => undefined };
      const late = await runCommand(connection, { command: 'sleep 20' }, sink, { commandMs: 200 });
      expect(late.status).to.equal('timeout');
      const next = await runCommand(connection, { command: 'exit 3' }, sink, { commandMs: 5000 });
      expect(next).to.include({ status: 'failed', exitCode: 3 });
      connection.close();
      expect((await connection.end).message).to.equal('we left');
      const after = await rejection(connection.exec('true'));
      expect(after.message).to.equal('we left');
    });
  });

  describe('in one run', () => {
    it('the rest completes, and nothing is left behind', async () => {
      const handles = (): number =>
        process.getActiveResourcesInfo().filter((name) => /TCP|Pipe/.test(name)).length;
      const before = handles();
      const sockets = readdirSync('/proc/self/fd').length;
      const targets = [
        ...Array.from({ length: 8 }, (_, i) => target(i + 1)),
        target(101),
        target(103),
        target(109),
      ];
      const out = new Map<string, string>();
      const sink = {
        write: (hostname: string, _: Stream, chunk: Buffer) =>
          void out.set(hostname, (out.get(hostname) ?? '') + chunk.toString()),
        end: () => undefined,
      };
      const job = { command: 'echo $SSH_CONNECTION | cut -d" " -f3' };
      const outcomes = await runEverywhere(targets, job, connector, sink, { fanout: 20, commandMs: 5000 });
      expect(outcomes).to.have.length(targets.length);
      for (const n of [1, AT.banner, AT.old, 8]) expect(out.get(`m${n}`)).to.equal(`127.0.1.${n}\n`);
      await until(() => readdirSync('/proc/self/fd').length <= sockets);
      await until(() => handles() <= before);
    });
  });

  /** A server of ssh2's own, for what no sshd does. */
  async function startSsh2(
    n: number,
    config: Partial<ssh2.ServerConfig>,
    onClient: (client: ssh2.Connection) => void,
  ): Promise<Target> {
    const hostKeys = [readFileSync(join(site.sshd.dir, 'host'))];
    const server = new ssh2.Server({ hostKeys, ...config }, (client) => {
      client.on('error', () => undefined);
      onClient(client);
    });
    return at(n, (socket) => server.injectSocket(socket));
  }
});

async function slowly(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    if (!socket.writable) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write(byte);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 500) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
