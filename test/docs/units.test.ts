import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs } from '../support/needs.ts';

const units = join(import.meta.dirname, '../../templates/systemd');

describe('units of systemd', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-units-'));
    // A timer looks for its service beside it.
    for (const name of readdirSync(units)) write(name, readFileSync(join(units, name), 'utf8'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** As number 2 where it is one of several; `prolo` itself is not installed here. */
  function write(name: string, text: string): string {
    const file = join(dir, name.replace('@.', '@2.'));
    writeFileSync(file, text.replaceAll('/usr/bin/prolo ', '/bin/true '));
    return file;
  }

  /** What systemd says of a unit. */
  function verify(name: string, text: string): string {
    const file = write(name, text);
    return execFileSync('sh', ['-c', 'systemd-analyze verify --man=no "$1" 2>&1 || true', 'sh', file], {
      encoding: 'utf8',
    });
  }

  for (const name of readdirSync(units))
    it(name, function () {
      needs(this, { 'systemd-analyze': 'systemd' });
      expect(verify(name, readFileSync(join(units, name), 'utf8'))).to.equal('');
    });

  it('a key that is none is seen', function () {
    needs(this, { 'systemd-analyze': 'systemd' });
    const text = '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\nKillMod=process\n';
    expect(verify('x.service', text)).to.match(/Unknown key/);
  });

  it('homes go on when their server is restarted', () => {
    const text = readFileSync(join(units, 'prolo-hfs@.service'), 'utf8');
    expect(text)
      .to.match(/^KillMode=process$/m)
      .and.to.match(/ daemon hfs@%i /);
  });
});
