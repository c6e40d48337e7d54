import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { createRunProgram, type RunProgram } from '../../../src/lib/apply/programs.ts';
import type { DnsMachine } from '../../../src/lib/dns/hosts.ts';
import { createDns, type Dns } from '../../../src/lib/dns/write.ts';
import { zoneSerial } from '../../../src/lib/dns/zone.ts';
import { type Logger, silentLog } from '../../../src/lib/log.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { rejection } from '../../support/rejection.ts';

const machine = (hostname: string, n: number): DnsMachine => ({
  hostname,
  ip: `192.168.0.${n}`,
  aliases: '',
});

describe('createDns', () => {
  let dir: string;
  /** The argv of each program that ran. */
  let ran: string[][];
  /** What a program says, with status 1; undefined: it agrees. */
  let objection: (argv: readonly string[]) => string | undefined;
  let nowMs: number;

  const runProgram: RunProgram = (argv) => {
    ran.push([...argv]);
    const stdout = objection(argv);
    return Promise.resolve({ exitCode: stdout === undefined ? 0 : 1, stdout: stdout ?? '', stderr: '' });
  };
  const make = (log: Logger = silentLog, run = runProgram): Dns =>
    createDns({ config: parseConfig('', 'prolo.yml'), dir, runProgram: run, log, now: () => nowMs });
  const zone = (): string => readFileSync(join(dir, 'zones/normal/prolo.zone'), 'utf8');
  const programs = (): string[] => ran.splice(0).map(([program]) => program!);

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-dns-'));
    ran = [];
    objection = () => undefined;
    nowMs = 1_700_000_000_000;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('checks every zone and named.conf, then reloads once; later only what changed', async () => {
    const dns = make();
    await dns.update([machine('pc1', 1)]);
    expect(programs().sort()).to.deep.equal([
      'named-checkconf',
      ...Array<string>(7).fill('named-checkzone'),
      'rndc',
    ]);
    await dns.update([machine('pc1', 1)]);
    expect(programs()).to.deep.equal([]);
    await dns.update([machine('pc1', 1), machine('pc2', 2)]);
    expect(programs().sort()).to.deep.equal(['named-checkzone', 'named-checkzone', 'rndc']);
  });

  it('raises the serial, also while the clock goes back', async () => {
    const dns = make();
    await dns.update([machine('pc1', 1)]);
    expect(zoneSerial(zone())).to.equal(1_700_000_000);
    nowMs -= 86_400_000;
    await dns.update([machine('pc2', 1)]);
    expect(zoneSerial(zone())).to.equal(1_700_000_001);
    await make().update([machine('pc3', 1)]);
    expect(zoneSerial(zone())).to.equal(1_700_000_002);
  });

  it('leaves all as it was when a checker refuses, and gathers what they all say', async () => {
    const dns = make();
    await dns.update([machine('pc1', 1)]);
    const before = zone();
    programs();
    objection = (argv) => {
      const path = argv.at(-1)!;
      const line =
        existsSync(path) &&
        readFileSync(path, 'utf8')
          .split('\n')
          .findIndex((text) => text.includes('pc2'));
      return argv[0] === 'named-checkzone'
        ? `${path}:${Number(line) + 1}: pc2.prolo: bad owner name`
        : undefined;
    };
    const error = await rejection(dns.update([machine('pc1', 1), machine('pc2', 2)]));
    expect(error).to.include({ kind: 'refused' });
    expect(error.message.split('\n').sort()).to.deep.equal([
      'zone 0.168.192.in-addr.arpa (view normal): machine pc2: pc2.prolo: bad owner name',
      'zone prolo (view normal): machine pc2: pc2.prolo: bad owner name',
    ]);
    expect(programs()).not.to.include('rndc');
    expect(zone()).to.equal(before);
    expect(readdirSync(dir).sort()).to.deep.equal(['named.conf', 'rndc.conf', 'rndc.key', 'zones']);
  });

  it('asks named again until it has heard', async () => {
    const dns = make();
    objection = ([program]) => (program === 'rndc' ? 'rndc: connection refused' : undefined);
    const error = await rejection(dns.update([machine('pc1', 1)]));
    expect(error).to.include({
      kind: 'unavailable',
      message: 'named: not reloaded: rndc: connection refused',
    });
    programs();
    objection = () => undefined;
    await dns.update([machine('pc1', 1)]);
    expect(programs()).to.deep.equal(['rndc']);
  });

  it('writes the same on a machine that has no BIND, where the site allows it', async () => {
    const missing = stringify({
      dns: { checkzone: ['/none/checkzone'], checkconf: ['/none/checkconf'], reload: ['/none/rndc'] },
    });
    const config = parseConfig(missing, 'prolo.yml');
    const dnsWith = (policy: 'required' | 'if-present'): Dns =>
      createDns({ config, dir, runProgram: createRunProgram(policy, silentLog), log: silentLog });
    const error = await rejection(dnsWith('required').update([machine('pc1', 1)]));
    expect(error).to.include({ kind: 'unavailable' });
    expect(existsSync(join(dir, 'zones'))).to.equal(false);
    await dnsWith('if-present').update([machine('pc1', 1)]);
    expect(zone()).to.include('\npc1 IN A 192.168.0.1\n');
  });

  it('complains of a machine that has no good name once, not at every change', async () => {
    const complaints: string[] = [];
    const error = (details: { problem: string }): void => void complaints.push(details.problem);
    const dns = make({ ...silentLog, error, info: () => undefined } as unknown as Logger);
    await dns.update([machine('pc_1', 1)]);
    await dns.update([machine('pc_1', 1), machine('pc2', 2)]);
    expect(complaints).to.deep.equal(['machine "pc_1": its name is not a DNS name; left out']);
    await dns.update([machine('pc1', 1), machine('pc2', 2)]);
    await dns.update([machine('pc_1', 1), machine('pc2', 2)]);
    expect(complaints).to.have.length(2);
  });
});
