import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';

const src = join(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((file) => /\.tsx?$/.test(file));

/** The files below src/ that a file names in an import, at its top or inside a function. */
function imports(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path]) =>
    relative(src, join(src, dirname(file), path!)),
  );
}

describe('the layers of the house', () => {
  it('lib imports neither daemons nor commands', () => {
    const wrong = files
      .filter((file) => file.startsWith('lib/'))
      .flatMap((file) =>
        imports(file)
          .filter((to) => !to.startsWith('lib/'))
          .map((to) => `${file} -> ${to}`),
      );
    expect(wrong).to.deep.equal([]);
  });

  it('daemons import no command; only `up` and `daemon` import daemons', () => {
    const wrong = files.flatMap((file) =>
      imports(file)
        .filter(
          (to) =>
            (file.startsWith('daemons/') && to.startsWith('commands/')) ||
            (to.startsWith('daemons/') && !/^(daemons\/|commands\/(up|daemon)\.ts)/.test(file)),
        )
        .map((to) => `${file} -> ${to}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('oclif is in commands, hooks, the base command and flags alone', () => {
    const wrong = files.filter(
      (file) =>
        readFileSync(join(src, file), 'utf8').includes("'@oclif/core'") &&
        !/^(commands\/|hooks\/|base-command|destructive-command|contest-change-command|main|lib\/[a-z]+\/flags)/.test(
          file,
        ),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('programs are started through lib/exec.ts', () => {
    const wrong = files.filter(
      (file) =>
        /node:child_process|'execa'/.test(readFileSync(join(src, file), 'utf8')) &&
        file !== 'lib/exec.ts' &&
        file !== 'lib/lab/process.ts',
    );
    expect(wrong).to.deep.equal([]);
  });
});
