import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { silentLog } from '../../../src/lib/log.ts';
import type { Seat } from '../../../src/lib/seat/seat.ts';
import { listenForPam } from '../../../src/lib/seat/socket.ts';
import { broken, type FakeMachine, makeFakeMachine, OPEN_MS } from '../../support/fake-seat.ts';

const PAM = 4711;

describe('presenced’s socket', () => {
  let dir: string;
  let socketPath: string;
  let machine: FakeMachine;
  let seat: Seat;
  let server: Server;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-test-'));
    socketPath = join(dir, 'run/presenced.sock');
    machine = makeFakeMachine();
    machine.alive.add(PAM);
    seat = machine.start();
    server = await listenForPam(socketPath, seat, silentLog);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });

  const send = (path: string, body: string): ClientRequest => {
    const sent = request({ socketPath, path, method: 'POST', agent: false });
    sent.end(body);
    return sent;
  };
  async function ask(path: string, body: string): Promise<string> {
    const [response] = (await once(send(path, body), 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) text += part;
    return text;
  }

  it('is root’s alone', () => {
    expect(statSync(socketPath).mode & 0o777).to.equal(0o600);
  });

  it('answers line by line, progress first', async () => {
    expect(await ask('/open_session', `user=u1&holder=${PAM}`)).to.equal(
      'progress asking for your home\nprogress opening your home\nok\n',
    );
    expect(await ask('/close_session', `user=u1&holder=${PAM}`)).to.equal('ok\n');
    expect(seat.session).to.equal(undefined);
  });

  it('a refusal is one line, whatever the server’s words were', async () => {
    machine.before.set('mount', broken('no\nok\r\n\u001b[2J"\\ gone'));
    const lines = (await ask('/account', 'user=u1')).split('\n');
    expect(lines.slice(2)).to.deep.equal(['no no ok [2J"\\ gone', '']);
  });

  it('what is no request of the hook’s is refused', async () => {
    expect(await ask('/nope', 'user=u1')).to.match(/^no presenced: /);
    expect(await ask('/account', 'x'.repeat(10_000))).to.match(/^no presenced: too long/);
    expect(machine.done).to.deep.equal([]);
  });

  it('the hook’s time is over in the middle: nobody holds that session, and it is undone', async () => {
    const reached = new Promise<() => void>((resolve) =>
      machine.before.set('mount', () => new Promise<void>((goOn) => resolve(goOn))),
    );
    const closed = new Promise((resolve) =>
      server.once('connection', (socket) => socket.once('close', resolve)),
    );
    const hook = send('/open_session', `user=u1&holder=${PAM}`).on('error', () => undefined);
    const goOn = await reached;
    hook.destroy();
    await closed;
    goOn();
    await seat.watch(); // in its turn, after the login
    expect(seat.session?.holders.size).to.equal(0);
    machine.nowMs = OPEN_MS + 1;
    await seat.watch();
    expect(machine.mounts).to.deep.equal([]);
    expect(machine.presence.size).to.equal(0);
    machine.before.clear();
    expect(await ask('/account', 'user=u2')).to.match(/ok\n$/);
  });
});
