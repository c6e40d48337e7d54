import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { createLeaseParser, followLeases, type Lease, readLeases } from '../../../src/lib/dhcp/leases.ts';

const HEADER =
  'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n';
const line = (ip: string, mac = '52:54:00:00:00:01', lifetime = 60, expire = 1795226443, state = 0): string =>
  `${ip},${mac},,${lifetime},${expire},3232299520,0,0,pas-r01p01,${state},\n`;

describe('createLeaseParser', () => {
  const parse = (text: string): Lease[] => createLeaseParser().push(text);

  it('reads a lease', () => {
    expect(parse(HEADER + line('192.168.250.1', '52:54:00:AB:00:01'))).to.deep.equal([
      {
        ip: '192.168.250.1',
        mac: '52:54:00:ab:00:01',
        hostname: 'pas-r01p01',
        startMs: 1795226383000,
        lifetimeMs: 60_000,
        gone: false,
      },
    ]);
  });

  it('knows one that was released, declined or has expired', () => {
    const texts = [
      line('192.168.0.1', undefined, 0),
      line('192.168.0.1', undefined, 60, 1795226443, 1),
      line('192.168.0.1', undefined, 60, 1795226443, 2),
    ];
    expect(parse(HEADER + texts.join('')).map(({ gone }) => gone)).to.deep.equal([true, true, true]);
  });

  it('goes by the header, since later Keas have more columns', () => {
    const text =
      'address,hwaddr,pool_id,valid_lifetime,expire,hostname,state\n10.0.0.1,52:54:00:00:00:01,7,60,1795226443,x,0\n';
    expect(parse(text)[0]).to.include({ ip: '10.0.0.1', hostname: 'x', lifetimeMs: 60_000 });
  });

  it('passes over what is no lease', () => {
    expect(
      parse(`${HEADER}\n# x\n192.168.0.1\n,,,,\n192.168.0.1,52:54:00:00:00:01,,x,y,1,0,0,,0,\n`),
    ).to.deep.equal([]);
  });

  it('reads pieces of any size alike, and throws at no bytes', () => {
    const text = HEADER + line('192.168.0.1') + line('192.168.0.2');
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 9 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const parser = createLeaseParser();
        const leases = at.slice(1).flatMap((end, i) => parser.push(text.slice(at[i], end)));
        expect(leases).to.deep.equal(parse(text));
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (junk) => void parse(`${HEADER}${junk}\n`)));
  });
});

describe('a lease file', () => {
  let dir: string;
  let file: string;
  let stop: AbortController;
  let following: Promise<void> | undefined;
  let seen: string[];

  const follow = (past = false): void => {
    following = followLeases(file, ({ ip }) => seen.push(ip), { signal: stop.signal, pollMs: 5, past });
  };
  const until = async (...ips: string[]): Promise<void> => {
    for (let i = 0; i < 400 && seen.length < ips.length; i++) await sleep(5);
    await sleep(20);
    expect(seen).to.deep.equal(ips);
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-leases-'));
    file = join(dir, 'leases.csv');
    stop = new AbortController();
    seen = [];
  });
  afterEach(async () => {
    stop.abort();
    await following;
    rmSync(dir, { recursive: true });
  });

  it('is read whole; a missing one has no leases', async () => {
    expect(await readLeases(file)).to.deep.equal([]);
    writeFileSync(file, HEADER + line('192.168.0.1'));
    expect(await readLeases(file)).to.have.length(1);
  });

  it('tells what comes after the start, or also what was there', async () => {
    writeFileSync(file, HEADER + line('192.168.0.1'));
    follow();
    await sleep(50);
    appendFileSync(file, line('192.168.0.2'));
    await until('192.168.0.2');
    stop.abort();
    await following;
    stop = new AbortController();
    seen = [];
    follow(true);
    await until('192.168.0.1', '192.168.0.2');
  });

  it('is waited for', async () => {
    follow();
    await sleep(30);
    writeFileSync(file, HEADER + line('192.168.0.1'));
    await until('192.168.0.1');
  });

  it('is followed through its renaming, to the end of the old one first', async () => {
    writeFileSync(file, HEADER);
    follow();
    await sleep(50);
    appendFileSync(file, line('192.168.0.1'));
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, line('192.168.0.2'));
    writeFileSync(file, HEADER + line('192.168.0.3'));
    await until('192.168.0.1', '192.168.0.2', '192.168.0.3');
  });

  it('may be cut and begun anew', async () => {
    writeFileSync(file, HEADER + line('192.168.0.1') + line('192.168.0.2'));
    follow();
    await sleep(50);
    truncateSync(file, 0);
    await sleep(30);
    appendFileSync(file, HEADER + line('192.168.0.3'));
    await until('192.168.0.3');
  });

  it('tells a line when it is complete', async () => {
    writeFileSync(file, HEADER);
    follow();
    await sleep(30);
    appendFileSync(file, line('192.168.0.1').slice(0, 20));
    await sleep(50);
    expect(seen).to.deep.equal([]);
    appendFileSync(file, line('192.168.0.1').slice(20));
    await until('192.168.0.1');
  });
});
