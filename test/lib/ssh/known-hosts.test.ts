import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { fingerprint, hostKeyOfSecret } from '../../../src/lib/ssh/host-key.ts';
import { knownHostsFile, readKnownHosts, rewriteKnownHosts } from '../../../src/lib/ssh/known-hosts.ts';
import {
  type KnownKey,
  mergeKnownKeys,
  parseKnownHosts,
  renderKnownHosts,
} from '../../../src/lib/ssh/known-hosts-text.ts';
import { judgeKey, missingKey } from '../../../src/lib/ssh/judge-key.ts';
import { openAccess } from '../../../src/lib/ssh/open.ts';
import type { Target } from '../../../src/lib/ssh/protocol.ts';
import { runEverywhere } from '../../../src/lib/ssh/run-everywhere.ts';
import type { Site } from '../../../src/lib/site/site.ts';
import { needs } from '../../support/needs.ts';
import { startProcess } from '../../support/processes.ts';
import { makeTestSite } from '../../support/site.ts';
import { makeSshSite, sshPackages } from '../../support/ssh-site.ts';

const [a, b, pcs] = ['01', '02', '03'].map((byte) => hostKeyOfSecret(byte.repeat(32)).publicKey) as [
  Buffer,
  Buffer,
  Buffer,
];
const target = (n: number, change: Partial<Target> = {}): Target & { mac: string } => ({
  hostname: `pc${n}`,
  ip: `10.0.0.${n}`,
  port: 22,
  user: 'root',
  mtype: 'user',
  ...change,
  mac: `52:54:00:00:00:0${n}`,
});
const record = (n: number) => ({
  ...target(n),
  aliases: '',
  rfs: 0,
  hfs: 0,
  room: 'r',
  is_faulty: false,
  is_faulty_details: '',
});

describe('which host key a machine may show', () => {
  const hostname = 'pc1';
  const shared = { key: pcs, isDemanded: false };
  const demanded = { key: pcs, isDemanded: true };
  for (const [what, known, pc, shown, wrong] of [
    ['its first one', undefined, undefined, a, undefined],
    ['the known one', a, undefined, a, undefined],
    ['another one', a, undefined, b, /changed: .*prolo ssh forget pc1/],
    ['a first one of its own, as a PC', undefined, shared, a, undefined],
    ["the PCs' in place of its own", a, shared, pcs, undefined],
    ["another one in place of the PCs'", pcs, shared, b, /changed/],
    ["the PCs' where that is demanded", a, demanded, pcs, undefined],
    ['its own where the PCs’ is demanded', a, demanded, a, /not the PCs' host key/],
  ] as const)
    it(what, () => {
      const judged = judgeKey({ hostname, known, pc, shown });
      if (!wrong) return expect(judged).to.equal(undefined);
      expect(judged).to.match(wrong).and.include(fingerprint(shown));
      expect(judged).to.include(fingerprint(pc?.isDemanded ? pcs : known!));
    });

  it('none of the known kind is a change too', () => {
    expect(missingKey({ hostname, known: a, pc: shared })).to.include(fingerprint(a));
    expect(missingKey({ hostname, known: undefined, pc: demanded })).to.include(fingerprint(pcs));
  });
});

describe('the text of known_hosts', () => {
  const key = (n: number, bytes: Buffer, port = 22) => ({ ...target(n), port, key: bytes });
  const plain = (keys: readonly KnownKey[]): KnownKey[] =>
    keys.map(({ hostname, ip, mac, port, key: bytes }) => ({ hostname, ip, mac, port, key: bytes }));

  it('is read as it was written; what is not ours is passed over', () => {
    const keys = [key(1, a), key(2, b, 2222)];
    const text = renderKnownHosts(keys);
    expect(text).to.include('\npc1,10.0.0.1 ssh-ed25519 ').and.include('\n[pc2]:2222,[10.0.0.2]:2222 ssh-');
    expect(plain(parseKnownHosts(`${text}garbage\n\nx y z mac\n|1|hash= ssh-rsa AAAA\n`))).to.deep.equal(
      plain(keys),
    );
  });

  it('a name or address that is another machine’s now is no longer that of the old one, whose key stays', () => {
    const merged = mergeKnownKeys([key(1, a), key(2, b)], [{ ...key(3, pcs), ip: '10.0.0.1' }]);
    const text = renderKnownHosts(merged);
    expect(text.match(/10\.0\.0\.1/g)).to.have.length(1);
    expect(text).to.match(/^52:54:00:00:00:01 .* 52:54:00:00:00:01$/m);
    expect(merged).to.have.length(3);
  });
});

describe('the keys that a site keeps', function () {
  this.timeout(60_000);
  const withSite = async (ssh: object, work: (site: Site) => Promise<void>): Promise<void> => {
    const test = await makeTestSite({ ssh });
    try {
      await work(test.site);
    } finally {
      await test.remove();
    }
  };

  it('are the machine’s by its MAC: it may be renamed, and moved to another address', () =>
    withSite({}, async (site) => {
      const first = await readKnownHosts(site);
      first.seen(target(1), a);
      await first.save();
      expect(statSync(knownHostsFile(site)).mode & 0o777).to.equal(0o600);
      const renamed = target(1, { hostname: 'new', ip: '10.0.0.9' });
      const second = await readKnownHosts(site);
      expect(second.check(renamed, a)).to.equal(undefined);
      expect(second.check(renamed, b)).to.match(/forget new/);
      expect(second.check(target(2, { hostname: 'pc1', ip: '10.0.0.1' }), b)).to.equal(undefined);
      second.seen(renamed, a);
      await second.save();
      expect(readFileSync(knownHostsFile(site), 'utf8'))
        .to.match(/^new,10\.0\.0\.9 ssh/m)
        .and.not.include('pc1');
    }));

  it('a line that came to harm is told of, and stays in the file as it is, as comments do', () =>
    withSite({}, async (site) => {
      const file = knownHostsFile(site);
      const first = await readKnownHosts(site);
      expect(first.trouble).to.equal(undefined);
      first.seen(target(1), a);
      await first.save();
      const harmed = renderKnownHosts([{ ...target(2), key: b }])
        .split('\n')[1]!
        .replace('AAAA', 'AAA');
      appendFileSync(file, `# by hand\n${harmed}\n`);
      const second = await readKnownHosts(site);
      expect(second.trouble).to.match(/known_hosts: line 4: no host key of a machine/);
      second.seen(target(3), a);
      await second.save();
      await rewriteKnownHosts(site, [record(1)]);
      const text = readFileSync(file, 'utf8');
      expect(text.split('\n').slice(1, 3)).to.deep.equal(['# by hand', harmed]);
      expect(text.match(/^# Host keys/gm)).to.have.length(1);
      expect(parseKnownHosts(text).map(({ hostname }) => hostname)).to.deep.equal(['pc1']);
    }));

  it('two runs at once do not lose each other’s', () =>
    withSite({}, async (site) => {
      const others = [10, 30, 50].map((n) =>
        startProcess('known-hosts-writer.ts', [site.file, String(n), '15']),
      );
      for (const other of others) await other.next();
      for (const other of others) other.child.send('go');
      await Promise.all(others.map((other) => other.ended));
      expect(parseKnownHosts(readFileSync(knownHostsFile(site), 'utf8'))).to.have.length(45);
    }));

  it('of two runs that saw different ones the first to write is believed', () =>
    withSite({}, async (site) => {
      const [one, two] = [await readKnownHosts(site), await readKnownHosts(site)];
      one.seen(target(1), a);
      two.seen(target(1), b);
      await one.save();
      await two.save();
      expect((await readKnownHosts(site)).check(target(1), b)).to.include('changed');
    }));

  it('are those of MDB’s machines; PCs that share theirs have it, unseen', () =>
    withSite({ pcKey: 'shared' }, async (site) => {
      const pcKey = hostKeyOfSecret(site.secret('ssh.pcs')).publicKey;
      const known = await readKnownHosts(site);
      known.seen(target(3, { mtype: 'service' }), b);
      known.seen(target(4, { mtype: 'service' }), a);
      await known.save();
      const machines = [record(1), { ...record(2), mtype: 'orga' as const }];
      const keys = await rewriteKnownHosts(site, [...machines, { ...record(3), mtype: 'service' }]);
      expect(keys.map(({ hostname, key }) => [hostname, fingerprint(key)])).to.deep.equal([
        ['pc1', fingerprint(pcKey)],
        ['pc2', fingerprint(pcKey)],
        ['pc3', fingerprint(b)],
      ]);
      expect(known.check(target(1), a)).to.include('ssh.pcKey');
    }));

  it('OpenSSH’s own client reads them, and refuses a machine whose key is another', async function () {
    needs(this, { ...sshPackages, ssh: 'openssh-client' });
    const { test, sshd, hostnames, stop } = await makeSshSite({ machines: 2 });
    try {
      const access = await openAccess(test.site, {});
      const targets = hostnames.map((hostname, i) =>
        access.targetOf({ ...record(i + 1), hostname, ip: sshd.ip(i + 1) }),
      );
      const sink = { write: () => undefined, end: () => undefined };
      const limits = { fanout: 2, commandMs: 5000 };
      await runEverywhere(targets, { command: 'true' }, access.connector, sink, limits);
      await access.close();
      const file = knownHostsFile(test.site);
      const ssh = (knownHosts: string) =>
        promisify(execFile)('ssh', [
          ...['-F', 'none', '-i', sshd.identity, '-p', String(sshd.port), '-l', sshd.user],
          ...[
            '-o',
            'BatchMode=yes',
            '-o',
            'StrictHostKeyChecking=yes',
            '-o',
            `UserKnownHostsFile=${knownHosts}`,
          ],
          ...['-o', `GlobalKnownHostsFile=${file}`, '-o', `HostKeyAlias=[${hostnames[0]}]:${sshd.port}`],
          ...[sshd.ip(1), 'echo', 'in'],
        ]);
      expect((await ssh('none')).stdout).to.equal('in\n');
      expect((await ssh(file)).stdout).to.equal('in\n');
      const keys = parseKnownHosts(readFileSync(file, 'utf8')).map((known) => ({ ...known, key: a }));
      writeFileSync(file, renderKnownHosts(keys));
      const refused = await ssh(file).catch((error: Error) => error.message);
      expect(String(refused)).to.match(/REMOTE HOST IDENTIFICATION HAS CHANGED/);
      const { connector } = await openAccess(test.site, {});
      const [outcome] = await runEverywhere([targets[0]!], { command: 'true' }, connector, sink, limits);
      expect(outcome).to.have.property('status', 'refused');
      expect(outcome!.reason).to.include(fingerprint(a)).and.include('prolo ssh forget pas-r01p01');
    } finally {
      await stop();
    }
  });
});
