import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { type Answer, groupAnswers, ping } from '../../../src/lib/power/ping.ts';
import { pingAll, watchPings } from '../../../src/lib/power/ping-all.ts';
import { changeLines, groupTable } from '../../../src/lib/power/show-pings.ts';
import { needs } from '../../support/needs.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

describe('ping', function () {
  this.timeout(30_000);
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const sshd = async (): Promise<Sshd> => {
    const one = await startSshd({ machines: 3 });
    stops.push(() => one.stop());
    return one;
  };
  /** A server of our own at a port of 127.0.0.1. */
  const serve = async (onSocket: (socket: Socket) => void): Promise<number> => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      stops.push(() => socket.destroy());
      onSocket(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stops.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const ask = (port: number, timeoutMs = 5000, ip = '127.0.0.1') =>
    ping({ hostname: 'pc', ip }, { port, timeoutMs });

  it('is up where an sshd answers, with the time until its banner', async function () {
    needs(this, sshPackages);
    const { state, ms, reason } = await ask((await sshd()).port, 5000, '127.0.1.2');
    expect(state).to.equal('up');
    expect(ms).to.be.within(0.1, 5000);
    expect(reason).to.equal(undefined);
  });

  it('is up where other lines come before the banner, and the banner in parts', async () => {
    const port = await serve((socket) => {
      socket.write('welcome\r\nSSH-');
      setImmediate(() => socket.write('2.0-OpenSSH_9.2\r\n'));
    });
    expect((await ask(port)).state).to.equal('up');
  });

  const faults: [string, (socket: Socket) => void, string][] = [
    ['says nothing', () => undefined, 'its sshd says nothing'],
    ['hangs up', (socket) => socket.end(), 'its sshd hung up'],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'its sshd hung up'],
    [
      'is something else',
      (socket) => socket.end('220 mail ready SSH-2.0\r\n'),
      'what answers there is no sshd',
    ],
    ['talks without end', (socket) => socket.write('x'.repeat(100_000)), 'what answers there is no sshd'],
  ];
  for (const [what, server, reason] of faults)
    it(`is on where what listens ${what}`, async () => {
      const answer = await ask(await serve(server), 300);
      expect(answer).to.deep.equal({ hostname: 'pc', ip: '127.0.0.1', state: 'on', reason });
    });

  it('is on where the port is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await ask(port)).to.include({ state: 'on', reason: 'no sshd listens there' });
  });

  it('is silent where nothing answers, once the time is over', async () => {
    const port = await droppingPort(stops);
    const answer = await ask(port, 300);
    expect(answer).to.include({ state: 'silent', reason: 'no answer' });
  });

  it('ends when told to', async () => {
    const port = await serve(() => undefined);
    const signal = AbortSignal.timeout(20);
    const answer = await ping({ hostname: 'pc', ip: '127.0.0.1' }, { port, timeoutMs: 20_000, signal });
    expect(answer).to.include({ state: 'silent', reason: 'not waited for' });
  });

  it('answers in the order of the machines, and tells later which have come', async function () {
    needs(this, sshPackages);
    const { port } = await sshd(); // listens on 127.0.1.1 to 127.0.1.3
    const machines = [4, 1, 5, 2].map((n) => ({ hostname: `pc${n}`, ip: `127.0.1.${n}` }));
    const options = { port, fanout: 2, timeoutMs: 5000 };
    const first = await pingAll(machines, options);
    expect(first.map(({ hostname, state }) => `${hostname} ${state}`)).to.deep.equal([
      'pc4 on',
      'pc1 up',
      'pc5 on',
      'pc2 up',
    ]);
    const servers = ['127.0.1.4', '127.0.1.5'].map((host) =>
      createServer((socket) => socket.end('SSH-2.0-late\r\n')).listen(port, host),
    );
    stops.push(() => servers.forEach((server) => server.close()));
    const said: string[] = [];
    const last = await watchPings(machines, first, options, new AbortController().signal, (changes) =>
      said.push(changeLines(changes, 2000)),
    );
    expect(last.every(({ state }) => state === 'up')).to.equal(true);
    expect(said).to.deep.equal(['2 s: up (2): pc[4-5]']);
  });
});

describe('groupAnswers', () => {
  const answer = (n: number, state: Answer['state'], rest: Partial<Answer>): Answer => ({
    hostname: `pc${n}`,
    ip: `10.0.0.${n}`,
    state,
    ...rest,
  });
  const answers = [
    answer(1, 'silent', { reason: 'no answer' }),
    answer(2, 'up', { ms: 7 }),
    answer(3, 'on', { reason: 'no sshd listens there' }),
    answer(4, 'up', { ms: 1 }),
    answer(5, 'up', { ms: 2 }),
    answer(6, 'silent', { reason: 'no way to its network' }),
    answer(7, 'silent', { reason: 'no way to its network' }),
  ];

  it('puts those together that answered alike', () => {
    expect(groupAnswers(answers)).to.deep.equal([
      { state: 'up', names: 'pc[2,4-5]', count: 3, medianMs: 2, slowestMs: 7 },
      { state: 'on', reason: 'no sshd listens there', names: 'pc3', count: 1 },
      { state: 'silent', reason: 'no way to its network', names: 'pc[6-7]', count: 2 },
      { state: 'silent', reason: 'no answer', names: 'pc1', count: 1 },
    ]);
  });

  it('shows a line for each such group', () => {
    expect(groupTable(answers).split('\n').slice(0, 3)).to.deep.equal([
      'STATE   COUNT  TIME             WHY                    MACHINES',
      'up      3      2 ms, at most 7  -                      pc[2,4-5]',
      'on      1      -                no sshd listens there  pc3',
    ]);
  });
});

/** A port whose queue of connections is full, and whose server never takes one: the kernel drops each further try. */
async function droppingPort(stops: (() => unknown)[]): Promise<number> {
  const program =
    "const s=require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  stops.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(line.toString());
  for (let isFull = false, tries = 0; !isFull; tries++) {
    if (tries > 20) throw new Error('the queue never fills');
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    stops.push(() => socket.destroy());
    isFull = await Promise.race([
      once(socket, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 200)),
    ]);
  }
  return port;
}
