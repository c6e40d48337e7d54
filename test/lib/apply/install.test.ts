import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { cleanStaging, installChecked } from '../../../src/lib/apply/install.ts';
import { createRunProgram } from '../../../src/lib/apply/programs.ts';
import { ProloError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { rejection } from '../../support/rejection.ts';

describe('installChecked', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-install-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8');

  it('shows the new files to the check while the old ones are still in place', async () => {
    writeFileSync(join(dir, 'a'), 'old');
    await installChecked(
      dir,
      [
        { name: 'a', text: 'new' },
        { name: 'zones/b', text: 'b', mode: 0o600 },
      ],
      async (staging) => {
        expect(readFileSync(join(staging, 'a'), 'utf8')).to.equal('new');
        expect(readFileSync(join(staging, 'zones/b'), 'utf8')).to.equal('b');
        expect(read('a')).to.equal('old');
      },
    );
    expect(read('a')).to.equal('new');
    expect(read('zones/b')).to.equal('b');
    expect(statSync(join(dir, 'zones/b')).mode & 0o777).to.equal(0o600);
    expect(readdirSync(dir).sort()).to.deep.equal(['a', 'zones']);
  });

  it('leaves every old file, and nothing else, when the check refuses', async () => {
    writeFileSync(join(dir, 'a'), 'old');
    const files = ['a', 'b'].map((name) => ({ name, text: 'new' }));
    const error = await rejection(
      installChecked(dir, files, () => Promise.reject(new ProloError('refused', 'machine pc1: no'))),
    );
    expect(error).to.include({ kind: 'refused', message: 'machine pc1: no' });
    expect(read('a')).to.equal('old');
    expect(readdirSync(dir)).to.deep.equal(['a']);
  });

  it('takes away at the start what a killed run left', async () => {
    mkdirSync(join(dir, '.new-1234/zones'), { recursive: true });
    writeFileSync(join(dir, 'a'), 'kept');
    await cleanStaging(dir);
    expect(readdirSync(dir)).to.deep.equal(['a']);
    await cleanStaging(join(dir, 'not-there-yet'));
    expect(existsSync(join(dir, 'not-there-yet'))).to.equal(true);
  });
});

describe('createRunProgram', () => {
  const missing = ['/nonexistent/named-checkzone', 'x'];

  it('a missing program is an error where it is required', async () => {
    const error = await rejection(createRunProgram('required', silentLog)(missing));
    expect(error).to.include({ kind: 'unavailable' });
  });

  it('a missing program is one warning where it is not', async () => {
    const warnings: unknown[] = [];
    const log = {
      ...silentLog,
      warn: (details: unknown) => warnings.push(details),
    } as unknown as typeof silentLog;
    const runProgram = createRunProgram('if-present', log);
    expect(await runProgram(missing)).to.equal(undefined);
    expect(await runProgram(missing)).to.equal(undefined);
    expect(warnings).to.deep.equal([{ program: missing[0] }]);
    expect((await runProgram(['true']))!.exitCode).to.equal(0);
  });
});
