import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, type ConnectionEnded } from '../../../src/lib/ssh/connect.ts';
import { openIdentity } from '../../../src/lib/ssh/identity.ts';
import type { Target } from '../../../src/lib/ssh/protocol.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

describe('how we log in', function () {
  this.timeout(60_000);
  let sshd: Sshd;
  let dir: string;
  let home: string;
  let agent: { socket: string; stop(): Promise<void> };
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  before(async function () {
    needs(this, { ...sshPackages, 'ssh-agent': 'openssh-client' });
    sshd = await startSshd({ machines: 1 });
    dir = mkdtempSync(join(tmpdir(), 'prolo-identity-'));
    home = join(dir, 'home');
    mkdirSync(join(home, '.ssh'), { recursive: true });
    agent = await startAgent('agent');
  });
  after(async () => {
    await agent?.stop();
    await sshd?.stop();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (dir) rmSync(dir, { recursive: true });
  });
  beforeEach(() => {
    rmSync(join(home, '.ssh'), { recursive: true });
    mkdirSync(join(home, '.ssh'));
  });

  const target = (): Target => ({
    hostname: 'm1',
    ip: sshd.ip(1),
    port: sshd.port,
    user: sshd.user,
    mtype: 'service',
  });
  const hostKeys = {
    algorithmsOf: () => [],
    check: () => undefined,
    missing: () => undefined,
    seen: () => undefined,
  };
  const logIn = async (file: string, socket?: string): Promise<void> => {
    const identity = await openIdentity(sshd.user, file, { SSH_AUTH_SOCK: socket, home });
    const connection = await connect(target(), { ...identity, hostKeys, connectMs: 1500, aliveMs: 5000 });
    connection.close();
  };
  const key = (name: string, text: string | Buffer, mode = 0o600): string => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
    return join(dir, name);
  };
  const locked = (): string => {
    const file = key('locked', readFileSync(sshd.identity));
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret words', '-f', file]);
    copyFileSync(`${sshd.identity}.pub`, `${file}.pub`);
    return file;
  };
  async function startAgent(name: string): Promise<{ socket: string; stop(): Promise<void> }> {
    const socket = join(dir, name);
    const child: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout!, 'data');
    return {
      socket,
      async stop() {
        child.kill();
        await once(child, 'exit');
      },
    };
  }
  const add = (...args: string[]): unknown =>
    execFileSync('ssh-add', ['-q', ...args], {
      env: {
        ...process.env,
        SSH_AUTH_SOCK: agent.socket,
        SSH_ASKPASS: '/bin/echo',
        SSH_ASKPASS_REQUIRE: 'force',
      },
      stdio: 'pipe',
    });

  describe('with a key that is named', () => {
    it('logs in', () => logIn(sshd.identity));

    for (const [what, make, message, hint] of [
      [
        'others may read',
        () => key('open', readFileSync(sshd.identity), 0o644),
        'mode 644: others may read it',
        'chmod 600',
      ],
      ['is not there', () => join(dir, 'none'), 'not there', 'a private key'],
      ['is a folder', () => home, 'a folder', 'expected a private key'],
      ['is no key', () => key('none', 'hello\n'), 'not a key', 'ssh-keygen'],
      ['is empty', () => key('empty', ''), 'not a key', 'ssh-keygen'],
      [
        'is cut off',
        () => key('cut', readFileSync(sshd.identity).subarray(0, 200)),
        'not a key',
        'ssh-keygen',
      ],
      ['is the public half', () => `${sshd.identity}.pub`, 'it is the public half of a key', '/identity'],
      ['has a passphrase', () => locked(), 'it has a passphrase', 'ssh-add'],
    ] as const)
      it(`that ${what} is refused, with the way out`, async () => {
        const file = make();
        const error = await rejection(openIdentity('root', file, { home }));
        expect(error.message)
          .to.match(new RegExp(`^key ${file}: `))
          .and.include(message);
        expect(error).to.have.property('kind', 'config');
        expect(error).to.have.property('hint').that.includes(hint);
      });

    it('with a passphrase, or its public half alone, does where the agent has it', async () => {
      const missing = await rejection(openIdentity('root', locked(), { SSH_AUTH_SOCK: agent.socket, home }));
      expect(missing.message).to.match(/it has a passphrase; agent .*: it has no key/);
      add(sshd.identity);
      await logIn(locked(), agent.socket);
      await logIn(`${sshd.identity}.pub`, agent.socket);
      add('-D');
    });
  });

  describe('with the agent and the keys at home', () => {
    it('uses a key of the agent', async () => {
      add(sshd.identity);
      await logIn('', agent.socket);
      add('-D');
    });

    it('uses a key at home when the agent is gone, hangs, or has none', async () => {
      writeFileSync(join(home, '.ssh/id_ed25519'), readFileSync(sshd.identity), { mode: 0o600 });
      await logIn('', join(dir, 'nobody'));
      await logIn('', agent.socket);
      await logIn('');
    });

    it('says what there is not, once', async () => {
      const gone = await rejection(openIdentity('root', '', { SSH_AUTH_SOCK: join(dir, 'nobody'), home }));
      expect(gone).to.have.property('kind', 'unavailable');
      expect(gone.message).to.match(/^ssh: nothing to log in with: agent .*nobody: nobody answers there$/);
      const nothing = await rejection(openIdentity('root', '', { home }));
      expect(nothing.message).to.match(/no agent \(SSH_AUTH_SOCK is not set\)$/);
      writeFileSync(join(home, '.ssh/id_ed25519'), readFileSync(sshd.identity), { mode: 0o644 });
      const open = await rejection(openIdentity('root', '', { SSH_AUTH_SOCK: agent.socket, home }));
      expect(open.message).to.match(/it has no key .*; id_ed25519: mode 644: others may read it$/);
    });

    it('does not wait long for an agent that says nothing, nor hold the process', async () => {
      const socket = join(dir, 'silent');
      const server = createServer((socket) => sockets.push(socket));
      servers.push(server);
      await once(server.listen(socket), 'listening');
      const startedMs = performance.now();
      const error = await rejection(openIdentity('root', '', { SSH_AUTH_SOCK: socket, home }));
      expect(error.message).to.include('it does not answer in 5 s');
      expect(performance.now() - startedMs).to.be.within(4000, 9000);
    });

    it('says of each machine that the agent refused to sign, where no other key does', async () => {
      execFileSync('ssh-add', ['-q', '-c', sshd.identity], {
        env: { ...process.env, SSH_AUTH_SOCK: agent.socket, SSH_ASKPASS: '/bin/false', DISPLAY: ':none' },
        stdio: 'pipe',
      });
      const error = (await rejection(logIn('', agent.socket))) as ConnectionEnded;
      add('-D');
      expect(error.status).to.equal('refused');
      expect(error.message).to.equal(`it takes no key of ours for ${sshd.user}; our agent refuses to sign`);
    });

    it('says so when the agent was asked, and has not signed in time', async () => {
      add(sshd.identity);
      const pid = execFileSync('pgrep', ['-f', `ssh-agent -D -a ${agent.socket}`], { encoding: 'utf8' });
      const identity = await openIdentity(sshd.user, '', { SSH_AUTH_SOCK: agent.socket, home });
      process.kill(Number(pid), 'SIGSTOP');
      const connector = { ...identity, hostKeys, connectMs: 1500, aliveMs: 5000 };
      const error = (await rejection(connect(target(), connector))) as ConnectionEnded;
      process.kill(Number(pid), 'SIGCONT');
      add('-D');
      expect(error.message).to.include('our agent has not signed: does it ask you?');
    });

    it('does not blame keys for a machine that is silent', async () => {
      writeFileSync(join(home, '.ssh/id_ed25519'), readFileSync(sshd.identity), { mode: 0o600 });
      const identity = await openIdentity(sshd.user, '', { home });
      const server = createServer((socket) => sockets.push(socket));
      servers.push(server);
      await once(server.listen(sshd.port, '127.0.1.99'), 'listening');
      const connector = { ...identity, hostKeys, connectMs: 300, aliveMs: 5000 };
      const error = await rejection(connect({ ...target(), ip: '127.0.1.99' }, connector));
      expect(error.message).to.equal('it takes connections, and says nothing');
    });

    it('has no more signatures made at once than an agent can stand', async () => {
      add(sshd.identity);
      const identity = await openIdentity(sshd.user, '', { SSH_AUTH_SOCK: agent.socket, home });
      const connector = { ...identity, hostKeys, connectMs: 20_000, aliveMs: 5000 };
      const all = await Promise.all(Array.from({ length: 60 }, () => connect(target(), connector)));
      for (const connection of all) connection.close();
      add('-D');
    });
  });
});
