import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Machine } from '../../../src/lib/mdb/record.ts';
import { decideBoot, netbootUrl } from '../../../src/lib/netboot/boot.ts';
import {
  renderBoot,
  renderBootstrap,
  renderRefusal,
  renderRegistered,
} from '../../../src/lib/netboot/script.ts';
import { viewOf } from '../../../src/lib/netboot/view.ts';
import type { RfsRecord } from '../../../src/lib/rfs/record.ts';
import type { Config } from '../../../src/lib/site/schema.ts';
import { commandsOf, config, machine, rhfs } from './support.ts';

const BASE = 'http://netboot';
const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/netboot/${name}`, import.meta.url), 'utf8');

function script(of: Partial<Machine>, { site = config(), once = null as string | null } = {}): string {
  const pc = machine(of);
  return renderBoot(
    site,
    decideBoot(site, viewOf([pc, rhfs]), { mac: pc.mac, base: netbootUrl(site), once }),
  );
}

describe('the script of a machine whose RFS has a version', () => {
  const files = { version: 7, kernel: '7/vmlinuz', initrd: '7/initrd.img', rootHash: 'ab'.repeat(32) };
  const text = (...boots: RfsRecord[]): string => {
    const pc = machine({ rfs: 1 });
    const second = {
      ...rhfs,
      id: 9,
      hostname: 'rhfs89',
      mac: '52:54:00:00:00:89',
      ip: '192.168.1.9',
      aliases: 'rfs8',
    };
    const asked = { mac: pc.mac, base: BASE };
    return renderBoot(config(), decideBoot(config(), viewOf([pc, rhfs, second], boots), asked));
  };

  it('boots its kernel, and tells it what the image must hash to', () => {
    const script = text({ rfs: 1, ...files, canary: null });
    expect(script).to.contain('http://rfs1/boot/7/vmlinuz').and.contain('http://rfs1/boot/7/initrd.img');
    expect(script).to.contain(`:/export/rfs,ro prolo.version=7 prolo.roothash=${files.rootHash} prolo.mac=`);
    expect(script).not.to.contain('nfsroot2');
  });
  it('names a second server, where one has it', () => {
    const script = text({ rfs: 1, ...files, canary: null }, { rfs: 8, ...files, canary: null });
    expect(script).to.contain(' prolo.nfsroot2=192.168.1.9:/export/rfs,ro ');
  });
  it('fetches the kernel from there too, when the first does not answer', () => {
    const lines = text({ rfs: 1, ...files, canary: null }, { rfs: 8, ...files, canary: null }).split('\n');
    const fetched = lines.map((line) =>
      /^(?:initrd|boot) .*?(http\S+).* \|\| goto (\w+)$|^:(\w+)$/.exec(line)?.slice(1),
    );
    expect(fetched.filter(Boolean).map((words) => words!.filter(Boolean).join(' '))).to.deep.equal([
      'http://rfs1/boot/7/initrd.img second',
      'http://rfs1/boot/7/vmlinuz second',
      'second',
      'http://rfs8/boot/7/initrd.img failed',
      'http://rfs8/boot/7/vmlinuz failed',
      'failed',
    ]);
  });
  it('names no second server that is the same machine', () => {
    const site = config();
    const [pc, box] = [machine({ rfs: 0 }), { ...rhfs, aliases: 'rfs0,rfs1' }];
    const boots: RfsRecord[] = [0, 1].map((rfs) => ({ rfs, ...files, canary: null }));
    const script = renderBoot(site, decideBoot(site, viewOf([pc, box], boots), { mac: pc.mac, base: BASE }));
    expect(script).not.to.contain('nfsroot2').and.not.to.contain('http://rfs1/');
  });
  it('is told to be in memory, or unchecked, for one boot', () => {
    const pc = machine({ rfs: 1 });
    for (const once of ['toram', 'noverify']) {
      const asked = { mac: pc.mac, base: BASE, once };
      const view = viewOf([pc, rhfs], [{ rfs: 1, ...files, canary: null }]);
      expect(renderBoot(config(), decideBoot(config(), view, asked))).to.match(
        new RegExp(` ${once} \\|\\| goto failed$`, 'm'),
      );
    }
  });
});

const byNetboot = (): Config =>
  config(
    'netboot: { url: "http://10.0.0.1:20020", bootUrl: "{netboot}/files", kernel: vmlinuz, initrd: [a/initrd.img, b/initrd.img] }',
  );

describe('netboot scripts', () => {
  const cases: [file: string, text: () => string][] = [
    ['rfs.ipxe', () => script({ rfs: 1 })],
    ['rfs-from-netboot.ipxe', () => script({}, { site: byNetboot() })],
    ['installer.ipxe', () => script({ mtype: 'service' })],
    ['disk.ipxe', () => script({}, { once: 'disk' })],
    [
      'chain.ipxe',
      () =>
        script(
          {},
          {
            once: 'x',
            site: config(
              'netboot: { profiles: { rfs: { kind: rfs }, arch: { kind: local }, x: { kind: chain, url: "http://boot/{hostname}?m={mac}" } } }',
            ),
          },
        ),
    ],
    [
      'faulty.ipxe',
      () => script({ is_faulty: true, is_faulty_details: 'écran ${net0/mac} cassé; || reboot\nshell' }),
    ],
    ['no-rfs.ipxe', () => script({ rfs: 7 })],
    [
      'unknown.ipxe',
      () =>
        renderBoot(config(), decideBoot(config(), viewOf([rhfs]), { mac: '52:54:00:00:00:09', base: BASE })),
    ],
    ['registered.ipxe', () => renderRegistered(machine())],
    [
      'refused-from-menu.ipxe',
      () => renderRefusal(config(), 'netboot', 'self registration is disabled', true),
    ],
    [
      'bootstrap.ipxe',
      () => renderBootstrap(config(), { base: BASE, registration: true, switches: SWITCHES }),
    ],
    [
      'bootstrap-closed.ipxe',
      () => renderBootstrap(config(), { base: BASE, registration: false, switches: SWITCHES }),
    ],
    [
      'bootstrap-no-discovery.ipxe',
      () =>
        renderBootstrap(config('netboot: { discovery: none }'), {
          base: BASE,
          registration: true,
          switches: [],
        }),
    ],
  ];
  for (const [file, text] of cases)
    it(file, () => {
      expect(text()).to.equal(golden(file));
    });

  it('the small Linux is told the same options as every kernel, with their places filled in', () => {
    const site = config('netboot: { kernelOptions: "quiet watch={netboot}/up" }');
    const script = renderBootstrap(site, {
      switches: [],
      registration: true,
      base: 'http://192.168.250.254',
    });
    expect(script).to.match(
      /^boot .*\/discovery\/vmlinuz .* quiet watch=http:\/\/192\.168\.250\.254\/up \|\|/m,
    );
  });

  it('the discovery Linux too is told where netboot is', () => {
    const site = config('netboot: { kernelOptions: "prolo.netboot={netboot} console=ttyS0" }');
    const text = renderBootstrap(site, { base: BASE, registration: true, switches: [] });
    expect(text).to.include('prolo.netboot=http://netboot console=ttyS0').and.not.include('{netboot}');
  });

  it('what a machine boots once comes before its fault', () => {
    expect(script({ is_faulty: true }, { once: 'memtest' })).to.include(
      'boot http://netboot/files/memtest/memtest.bin',
    );
  });

  it('a profile that is gone from the config is said, not thrown', () => {
    expect(script({}, { once: 'constructor' })).to.include('constructor is no profile in prolo.yml');
  });

  it('every label that the menu goes to is there', () => {
    for (const registration of [true, false])
      for (const site of [config(), config('netboot: { discovery: none }')]) {
        const text = renderBootstrap(site, { base: BASE, registration, switches: SWITCHES });
        const labels = new Set([...text.matchAll(/^:(\S+)$/gm)].map(([, label]) => label));
        const commands = commandsOf(text);
        const targets = commands
          .filter(([name, to]) => name === 'goto' && !to!.startsWith('$'))
          .map(([, to]) => to);
        const items = commands
          .filter(([name, flag]) => name === 'item' && flag !== '--gap')
          .map((words) => words[words[1] === '--key' ? 3 : 1]!)
          .filter(
            (item) =>
              !Object.keys(site.rooms).includes(item) &&
              !['user', 'orga', 'cluster', 'service', 'yes'].includes(item),
          );
        for (const target of [...targets, ...items]) expect([...labels], target).to.include(target);
      }
  });

  it('no record, reason or error adds a command or an expansion', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            '\n',
            '\r',
            ' ',
            '\t',
            '||',
            '&&',
            ';',
            '#',
            '\\',
            '${',
            '}',
            'reboot',
            'shell',
            'é',
            '-n',
          ),
        )
        .map((parts) => parts.join('')),
    );
    const shape = (text: string): string[] =>
      commandsOf(text)
        .map(([name]) => name!)
        .concat([...text.matchAll(/\$\{[^}]*\}/g)].map(([found]) => found));
    const render = (text: string): string[] => {
      const pc = machine({ hostname: text, mac: text, ip: text, is_faulty_details: text, room: text });
      const site = config();
      const asked = { mac: text, base: BASE };
      return [
        renderBoot(site, decideBoot(site, viewOf([pc, { ...rhfs, ip: text }]), asked)),
        renderBoot(site, decideBoot(site, viewOf([{ ...pc, is_faulty: true }]), asked)),
        renderBoot(site, decideBoot(site, viewOf([]), asked)),
        renderBoot(site, decideBoot(site, viewOf([pc]), { ...asked, once: text })),
        renderRefusal(site, text, text),
        renderRegistered(pc),
        renderBootstrap(site, {
          base: BASE,
          registration: true,
          switches: [{ name: text, chassis: text, rfs: 0, hfs: 0, room: text }],
        }),
      ];
    };
    const plain = render('x').map(shape);
    fc.assert(
      fc.property(evil, (text) => {
        expect(render(text).map(shape)).to.deep.equal(plain);
      }),
      { numRuns: 300 },
    );
  });
});

const SWITCHES = [
  { name: 'sw-pas-1', chassis: '02:99:71:f6:c6:5a', rfs: 0, hfs: 0, room: 'pasteur' },
  { name: 'sw-alt-1', chassis: '02:99:71:f6:c6:5b', rfs: 1, hfs: 1, room: 'alt' },
];
