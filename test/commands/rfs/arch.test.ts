import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { BootstrapOptions } from '../../../src/lib/bootstrap/options.ts';
import { fillArgv, PACMAN_CONF } from '../../../src/lib/bootstrap/packages.ts';
import { asProloError, type ProloError } from '../../../src/lib/errors.ts';
import { applyPlan, makePlan, type Plan } from '../../../src/lib/install/install.ts';
import { parsePacman } from '../../../src/lib/rfs/package-list.ts';
import { runInTree } from '../../../src/lib/rfs/root/enter.ts';
import { planInit } from '../../../src/lib/rfs/root/init.ts';
import { sourceOfArch } from '../../../src/lib/rfs/root/init-sources.ts';
import type { Wish } from '../../../src/lib/rfs/root/install-argv.ts';
import { installPackages } from '../../../src/lib/rfs/root/install.ts';
import { changeText } from '../../../src/lib/rfs/root/packages-changed.ts';
import { renderTemplate } from '../../../src/lib/template.ts';
import { ARCH_PROGRAMS, archPackages } from '../../support/arch-packages.ts';
import { type ArchRepository, makeArchRepository } from '../../support/arch-repository.ts';
import { proloBin } from '../../support/cli.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

const runFile = promisify(execFile);
const SHIPPED = 'etc/prometheus/prometheus.yml';
const unit = { text: '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' };
const SERVER: BootstrapOptions = {
  ...{ host: 'gw', distribution: 'arch', suite: 'bookworm', kernel: 'linux', packages: [], volumes: [] },
  ...{ sources: [], keys: [], network: { dns: [] }, timezone: 'Europe/Paris' },
};

describe('Arch by pacstrap and pacman, of a mirror of stubs', function () {
  this.timeout(300_000);
  let dir: string;
  let tree: string;
  let repository: ArchRepository;
  let test: TestSite;

  before(async function () {
    needs(this, ARCH_PROGRAMS);
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-arch-'));
    tree = join(dir, 'staging');
    repository = await makeArchRepository(dir);
    const rfs = { distribution: 'arch', mirror: repository.mirror, profiles: [], staging: tree };
    test = await makeTestSite({ rfs });
    const names = [...(await planInit(test.site)).packages, ...argvOf(dir).slice(6)];
    repository.publish([
      ...archPackages(names, repository.keyring),
      { name: 'hello', repository: 'extra', depends: ['greeting'] },
      { name: 'greeting', repository: 'extra' },
      { name: 'lldpd', repository: 'extra', files: { 'usr/lib/systemd/system/lldpd.service': unit } },
      { name: 'conntrack-ng', repository: 'extra', provides: ['conntrack-tools=2'] },
      {
        ...{ name: 'prometheus', repository: 'extra', backup: [SHIPPED] },
        files: { [SHIPPED]: { text: '# of the package\n' } },
      },
    ]);
  });
  after(async () => {
    await repository?.close();
    await test?.remove();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  /** On a gateway with this /etc/pacman.d. @returns also what was said, in its order */
  const onGateway = async (folder: string, argv: readonly string[], first = ':') => {
    const etc = mkdtempSync(join(dir, 'etc-'));
    const script = `cp -a /etc/. "$0"; rm -rf "$0/pacman.d"; cp -a "$1" "$0/pacman.d"; mount --bind "$0" /etc; ${first}; shift; exec "$@" 2>&1`;
    const namespace = ['--mount', '--propagation', 'private', '--', 'sh', '-ec', script, etc, folder];
    const options = { env: { ...process.env, NO_COLOR: '1' }, timeout: 200_000 };
    try {
      return { status: 0, said: (await runFile('unshare', [...namespace, ...argv], options)).stdout };
    } catch (error) {
      const { code, stdout } = error as unknown as { code: number; stdout: string };
      return { status: code, said: stdout };
    } finally {
      rmSync(etc, { recursive: true });
    }
  };
  const init = (folder: string) =>
    onGateway(folder, [
      process.execPath,
      proloBin,
      'rfs',
      'init',
      '--yes',
      '--config',
      join(test.dir, 'prolo.yml'),
    ]);
  const install = async (wish: Partial<Wish>, dryRun = false): Promise<string[]> => {
    const options = { actor: 'test', dryRun, onStep: () => undefined };
    const changes = await installPackages(test.site, { action: 'install', packages: [], ...wish }, options);
    return changes.map(changeText);
  };
  const refusal = async (done: Promise<unknown>): Promise<ProloError> => asProloError(await rejection(done));
  const plan = (...names: string[]): Promise<Plan> =>
    makePlan({ site: test.site, root: tree, hostname: 'web' }, names);
  const apply = async (planned: Plan) => applyPlan(planned, { by: 'test', at: new Date(), overwrite: false });
  const lock = (): string => join(tree, 'var/lib/pacman/db.lck');

  it('is not made where the gateway knows no key of the packagers', async () => {
    const folder = join(dir, 'no-keys');
    mkdirSync(folder);
    const { status, said } = await init(folder);
    expect(said).to.match(/staging: pacstrap: .*required key missing[^]*pacman-key --populate/);
    expect(status).not.to.equal(0);
    expect(existsSync(`${tree}.new`)).to.equal(false);
  });

  it('is made by pacstrap, which checks signatures', async () => {
    const { status, said } = await init(repository.hostFolder);
    expect(status, said).to.equal(0);
    expect(said)
      .to.contain('staging: downloads what all need')
      .and.to.match(/(\d+) of \1 packages set up/);
    expect(readFileSync(join(tree, 'usr/lib/locale/locale-archive'), 'utf8')).to.equal('en_US.UTF-8 UTF-8\n');
    const mirrors = readFileSync(join(tree, 'etc/pacman.d/mirrorlist'), 'utf8');
    expect(mirrors).to.equal(`${sourceOfArch(repository.mirror)}\n`);
    expect(existsSync(join(tree, 'made-an-initramfs'))).to.equal(false);
  });

  it('keeps nothing that was downloaded, and nothing of the gateway', () => {
    for (const folder of ['var/cache/pacman/pkg', 'var/lib/pacman/sync'])
      expect(readdirSync(join(tree, folder)), folder).to.deep.equal([]);
    expect(
      readdirSync(join(tree, 'etc/pacman.d/gnupg')).filter((name) => name.startsWith('S.')),
    ).to.deep.equal([]);
    expect(existsSync(join(tree, 'etc/locale.gen.pacnew'))).to.equal(false);
    expect(existsSync(`${tree}.new.pacman.conf`)).to.equal(false);
  });

  it('a package is planned, installed with what it needs, and taken out again', async () => {
    const both = ['+ greeting 1.0-1', '+ hello 1.0-1'];
    expect((await install({ packages: ['hello'] }, true)).sort()).to.deep.equal(both);
    expect(existsSync(join(tree, 'var/lib/pacman/local/hello-1.0-1'))).to.equal(false);
    expect(await install({ packages: ['hello'] })).to.deep.equal(both);
    expect(await install({ packages: ['hello'] })).to.deep.equal([]);
    const none = ['- greeting 1.0-1', '- hello 1.0-1'];
    expect((await install({ action: 'remove', packages: ['hello'] }, true)).sort()).to.deep.equal(none);
    expect(await install({ action: 'remove', packages: ['hello'] })).to.deep.equal(none);
    expect(readdirSync(join(tree, 'var/cache/pacman/pkg'))).to.deep.equal([]);
  });

  it('newer ones are told from what is there', async () => {
    repository.publish([{ name: 'less', version: '1:2.0-1', repository: 'extra' }]);
    const change = ['~ less 1.0-1 -> 1:2.0-1'];
    expect(await install({ action: 'upgrade' }, true)).to.deep.equal(change);
    expect(await install({ action: 'upgrade' })).to.deep.equal(change);
    expect(await install({ action: 'upgrade' })).to.deep.equal([]);
  });

  it('its database is read as pacman reads it', async () => {
    const { stdout } = await runInTree(tree, ['pacman', '-Q'], { readOnly: true });
    const names = readdirSync(join(tree, 'var/lib/pacman/local')).map(
      (name) => `var/lib/pacman/local/${name}`,
    );
    const read = [...parsePacman(names)].map(([name, version]) => `${name} ${version}`);
    expect(read.sort()).to.deep.equal(stdout.trim().split('\n').sort());
  });

  it('goes on where a pacman was killed in staging', async () => {
    writeFileSync(lock(), '');
    expect(await install({ packages: ['greeting'] })).to.deep.equal(['+ greeting 1.0-1']);
  });

  it('a package that there is none of is named', async () => {
    const { kind, message } = await refusal(install({ packages: ['hullo'] }));
    expect([kind, message].join(' ')).to.match(/^not-found staging .*: target not found: hullo/);
  });

  it('recipes have their packages by pacman, and are done then', async () => {
    const planned = await plan('lldp');
    expect(planned.distribution).to.equal('arch');
    expect(planned.steps.map(({ kind }) => kind)).to.deep.equal(['packages', 'file', 'enable']);
    await apply(planned);
    expect((await plan('lldp')).steps).to.deep.equal([]);
  });

  it('a package that stands in for another does, and a file that a package brought is nobody’s work', async () => {
    await install({ packages: ['conntrack-ng', 'prometheus'] });
    expect((await plan('conntrack')).steps.map(({ kind }) => kind)).not.to.include('packages');
    const edited = async (): Promise<boolean> =>
      (await plan('prometheus')).steps.some(
        (step) => step.kind === 'file' && step.wish.path === `/${SHIPPED}` && step.edited,
      );
    expect(await edited()).to.equal(false);
    writeFileSync(join(tree, SHIPPED), '# of a person\n');
    expect(await edited()).to.equal(true);
  });

  it('says which package of a recipe the mirror lacks, and where another pacman is at work', async () => {
    const missing = await refusal(apply(await plan('nfs-exports')));
    expect(missing.message).to.match(/^packages nfs-utils.*target not found: nfs-utils/);
    expect(missing.kind).to.equal('not-found');
    writeFileSync(lock(), '');
    const locked = await refusal(apply(await plan('nfs-exports')));
    expect([locked.kind, locked.message].join(' ')).to.match(/^unavailable .*lock database/);
    expect(locked.hint).to.contain('db.lck');
    rmSync(lock());
  });

  const argvOf = (target: string): string[] =>
    fillArgv({ ...SERVER, sources: [sourceOfArch(repository.mirror)] }, target);

  it('a server is filled by the call of bootstrap', async () => {
    const target = join(dir, 'server');
    mkdirSync(target);
    const conf = join(dir, 'server.conf');
    const sources = [sourceOfArch(repository.mirror)];
    writeFileSync(conf, renderTemplate('rfs/profiles/arch/pacman.conf', { ...SERVER, sources }));
    const first = `mount -t tmpfs none /run; cp ${conf} ${PACMAN_CONF}`;
    const { status, said } = await onGateway(repository.hostFolder, argvOf(target), first);
    expect(status, said).to.equal(0);
    const names = parsePacman(
      readdirSync(join(target, 'var/lib/pacman/local')).map((name) => `var/lib/pacman/local/${name}`),
    );
    expect([...names.keys()]).to.include.members(argvOf(target).slice(6));
    expect(existsSync(join(target, 'made-an-initramfs'))).to.equal(true); // a server's it is
  });

  it('a mirror that does not answer is an error where something has to come from there', async () => {
    await repository.close();
    const away = await refusal(install({ packages: ['hello'] }));
    expect([away.kind, away.message].join(' ')).to.match(/^unavailable staging .*127\.0\.0\.1/);
    const none = await refusal(apply(await plan('nfs-exports')));
    expect([none.kind, none.message].join(' ')).to.match(/^unavailable packages.*127\.0\.0\.1/);
    const { status, said } = await init(repository.hostFolder);
    expect(status).not.to.equal(0);
    expect(said).to.match(/staging: pacstrap: .*127\.0\.0\.1/);
    expect(existsSync(join(tree, 'etc/os-release')), 'staging stays').to.equal(true);
  });
});
