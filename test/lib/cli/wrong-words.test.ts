import { expect } from 'chai';
import { isWrongWords, wrongWords } from '../../../src/lib/cli/wrong-words.ts';

describe('flags and arguments that a command does not take', () => {
  const thrown = (message: string, flags?: string[]) => {
    const error = Object.assign(new Error(`${message}\nSee more help with --help`), {
      oclif: { exit: 2 as const },
      ...(flags ? { flags } : {}),
    });
    expect(isWrongWords(error)).to.equal(true);
    const { message: said, hint } = wrongWords(error, 'pssh', ['gather', 'diff', 'hostname', 'ip']);
    return [said, hint];
  };

  it('are named in a line, with what may have been meant', () => {
    expect(thrown('Nonexistent flag: --gater', ['--gater'])).to.deep.equal([
      'Nonexistent flag: --gater',
      'did you mean --gather? `prolo pssh --help` says what it takes',
    ]);
    expect(thrown('Nonexistent flag: -z', ['-z'])[1]).to.equal('`prolo pssh --help` says what it takes');
    expect(thrown('Parsing --timeout \n\tExpected an integer but received: abc')[0]).to.equal(
      '--timeout: Expected an integer but received: abc',
    );
    expect(
      thrown(
        'The following error occurred:\n  --gather=true cannot also be provided when using --interactive',
      )[0],
    ).to.equal('--gather cannot also be provided when using --interactive');
  });

  it('other errors are not theirs', () => {
    expect(isWrongWords(new Error('x'))).to.equal(false);
    expect(isWrongWords(Object.assign(new Error('x'), { oclif: { exit: 2 }, code: 'EEXIT' }))).to.equal(
      false,
    );
    expect(isWrongWords(Object.assign(new Error('x'), { oclif: { exit: 1 } }))).to.equal(false);
  });
});
