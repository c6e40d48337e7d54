import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Finding } from '../../../src/lib/doctor/check.ts';
import type { SeatView } from '../../../src/lib/doctor/login/at-seat.ts';
import { judgeRefusal, judgeRelease, refuseSeat } from '../../../src/lib/doctor/login/steps.ts';
import { hearMachines, readAnswer } from '../../../src/lib/doctor/seat/answer.ts';
import { getHead, seatBoot } from '../../../src/lib/doctor/seat/boot.ts';
import { judgeOffers } from '../../../src/lib/doctor/seat/dhcp.ts';
import { repliers } from '../../../src/lib/doctor/seat/duplicates.ts';
import { foldOutcomes } from '../../../src/lib/doctor/seat/fold.ts';
import { judgeBeside } from '../../../src/lib/doctor/seat/hardware.ts';
import { HEAD_BYTES, parseOrder } from '../../../src/lib/doctor/seat/order.ts';

const said = (findings: Finding[]): string[] => findings.map(({ colour, what }) => `${colour}: ${what}`);
const outcome = (colour: 'green' | 'red', what: string, fix?: string) => ({
  name: 'dhcp',
  subject: '',
  colour,
  findings: [{ colour, what, ...(fix ? { fix } : {}) }],
  ms: 1,
});

describe('what machines say to the doctor', () => {
  it('is one line where they agree, red first, and what mends it names them', () => {
    const found = new Map(
      Array.from({ length: 140 }, (_, n): [string, ReturnType<typeof outcome>[]] => [
        `pc${n + 1}`,
        [n < 2 ? outcome('red', 'no route', 'prolo reboot {nodes}') : outcome('green', 'well')],
      ]),
    );
    const [dhcp] = foldOutcomes(found, [{ name: 'dhcp', subject: 'x' }]);
    expect(said(dhcp!.findings)).to.deep.equal([
      'red: 2 machines: pc[1-2]: no route',
      'green: 138 machines: pc[3-140]: well',
    ]);
    expect(dhcp!.findings[0]!.fix).to.equal('prolo reboot pc[1-2]');
    expect(dhcp!.colour).to.equal('red');
    const twice = foldOutcomes(new Map([['pc1', [outcome('red', 'x'), outcome('red', 'x')]]]), [
      { name: 'dhcp', subject: 'x' },
    ]);
    expect(said(twice[0]!.findings)).to.deep.equal(['red: pc1: x']);
  });

  it('is believed as text alone: nonsense, another prolo and none are findings', () => {
    const ok = { hostname: 'pc1', status: 'ok' as const, exitCode: 0, ms: 1 };
    const answer = JSON.stringify({ checks: [outcome('green', 'x'.repeat(10_000))] });
    const read = readAnswer(ok, answer);
    expect(Array.isArray(read) && read[0]!.findings[0]!.what).to.have.lengthOf(400);
    for (const text of [
      '',
      '{}',
      '{"checks":[null]}',
      '{"checks":[{"name":"x","findings":[{"colour":"blue"}]}]}',
      '{"checks":[{"name":"x","findings":[{"colour":["red"],"what":"x"}]}]}',
      JSON.stringify({ checks: Array.from({ length: 51 }, () => outcome('green', 'x')) }),
      JSON.stringify({ checks: [{ name: 'x', findings: Array(51).fill({ colour: 'red', what: 'x' }) }] }),
    ])
      expect(readAnswer(ok, text))
        .to.have.property('what')
        .that.matches(/does not know what to look at/);
    const none = readAnswer({ ...ok, status: 'failed', exitCode: 127 }, 'sh: prolo: not found');
    expect(none).to.include({ what: 'it has no prolo' });
    const off = { hostname: 'pc1', status: 'unreachable' as const, reason: 'is it on?', ms: 1 };
    expect(readAnswer(off, '')).to.include({ what: 'is it on?' });
    const forever = readAnswer(
      ok,
      `{"checks":[${JSON.stringify(outcome('green', 'x')).replace('"ms":1', '"ms":1e999')}]}`,
    );
    expect(Array.isArray(forever) && forever[0]!.ms).to.equal(0);
    expect(() => parseOrder('{"ip": "192.168.0.1"}')).to.throw(/not what to look at/);
  });

  it('is heard apart from complaints, whole letters, and no further than it makes sense', () => {
    const said = hearMachines();
    const answer = Buffer.from(JSON.stringify({ checks: [outcome('red', '“no”')] }));
    for (const byte of answer) said.write('pc1', 'stdout', Buffer.from([byte]));
    said.write('pc1', 'stderr', Buffer.from('a word in between, with {\n'));
    const ok = { hostname: 'pc1', status: 'ok' as const, exitCode: 0, ms: 1 };
    const read = readAnswer(ok, said.answerOf('pc1'), said.complaintOf('pc1'));
    expect(Array.isArray(read) && read[0]!.findings[0]!.what).to.equal('“no”');
    const chunk = Buffer.alloc(100_000, 'x');
    for (let n = 0; n < 100; n++) said.write('pc2', 'stdout', chunk);
    expect(said.answerOf('pc2')).to.have.lengthOf(200_000);
    expect(readAnswer(ok, said.answerOf('pc2'), 'no command doctor look')).to.deep.include({
      what: 'its prolo does not know what to look at: no command doctor look',
    });
  });

  it('another DHCP server, none, and another address than its own', () => {
    const order = { ip: '192.168.0.1', dhcpServers: ['192.168.1.254'] };
    const offer = (server: string, ip: string) => ({ server, from: server, ip });
    const ours = offer('192.168.1.254', '192.168.0.1');
    expect(said(judgeOffers({ order, offers: [ours] }))[0]).to.match(/^green/);
    expect(said(judgeOffers({ order, offers: [] }))[0]).to.equal('red: the DHCP server offers it nothing');
    expect(said(judgeOffers({ order, offers: [offer('192.168.1.254', '192.168.0.9')] }))[0]).to.match(
      /^red: .*another address than MDB says$/,
    );
    expect(said(judgeOffers({ order, offers: [ours, offer('10.0.0.1', '10.0.0.7')] }))).to.deep.equal([
      'red: 10.0.0.1 hands out addresses too',
    ]);
  });

  it('a switch that MDB has not; who speaks LLDP and is no switch', () => {
    const at = { rfs: 0, hfs: 0, room: 'pasteur' };
    const order = { at, switches: [{ name: 'sw-1', chassis: '68:b5:99:9f:45:40', ...at }] };
    const heard = { link: 'lan', chassis: '68:b5:99:9f:45:41', name: 'spare', does: ['Bridge'] };
    expect(said(judgeBeside({ heard: [heard], order }))[0]).to.match(/which MDB has not$/);
    expect(said(judgeBeside({ heard: [{ ...heard, does: ['Station'] }], order }))[0]).to.match(
      /^yellow: no switch/,
    );
  });

  it('who answers ARP, in the words of two programs', () => {
    const iputils = 'Unicast reply from 192.168.0.7 [52:54:00:66:66:67]  0.7ms\n';
    expect(repliers(iputils.repeat(2))).to.deep.equal(['52:54:00:66:66:67']);
    expect(repliers('Unicast reply from 10.0.0.1 [AA:BB:CC:00:00:01] 0.1ms')).to.deep.equal([
      'aa:bb:cc:00:00:01',
    ]);
  });

  it('a boot file whose beginning, or all of it, is another', async () => {
    const server = createServer((_, response) => response.end(Buffer.alloc(3 * HEAD_BYTES, 'kernel')));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/vmlinuz`;
    const { signal } = new AbortController();
    const { sha256: got } = await getHead(url, signal, 5_000);
    const look = async (file: object): Promise<string[]> => {
      const order = { boot: [{ url, whole: false, ...file }] };
      return said(seatBoot.decide(await seatBoot.gather({ order, signal } as never)));
    };
    expect((await look({ head: got }))[0]).to.match(/^green/);
    expect((await look({ head: '0'.repeat(64) }))[0]).to.match(/^red: .*its hash is another$/);
    expect((await look({ whole: true, sha256: got, version: 3 }))[0]).to.match(
      /^red: .*its hash is another$/,
    );
    server.closeAllConnections();
    server.close();
  });

  it('where a login stopped, by how far presenced came', () => {
    const view = (more: Partial<SeatView> = {}): SeatView => ({
      uid: 10_000,
      presenced: { lastTry: null, session: null },
      mounts: [],
      attached: [],
      ...more,
    });
    const tried = (reached: 'known' | 'answered' | 'granted' | 'given' | 'attached', said = 'why') =>
      view({ presenced: { session: null, lastTry: { login: 'ztest', reached, said, number: 1 } } });
    const stop = (after: SeatView, byPassword = false) =>
      judgeRefusal(view(), after, 'ztest', { byPassword, said: 'it hung up' }).step;
    expect(stop(view(), true)).to.equal('password');
    expect(stop(view())).to.equal('account');
    const steps = (['known', 'answered', 'granted', 'given', 'attached'] as const).map((one) =>
      stop(tried(one)),
    );
    expect(steps).to.deep.equal(['presence', 'granted', 'home', 'nbd', 'mount']);
    expect(refuseSeat(view({ mounts: ['zother'] }))).to.deep.equal({
      step: 'free',
      said: 'zother is logged on there',
    });
    expect(refuseSeat(view({ attached: ['/dev/nbd0'] }))!.step).to.equal('released');
    expect(judgeRelease(view({ mounts: ['ztest'] }))!.said).to.equal('still the home of ztest is mounted');
    expect(judgeRelease(view())).to.equal(undefined);
  });
});
