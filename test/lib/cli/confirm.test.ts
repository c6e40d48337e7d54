import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { answerOf } from '../../../src/lib/cli/confirm.ts';

describe('the answer to [y/N]', () => {
  /** @returns whether it was a yes, and what was said */
  async function answer(typed: string): Promise<[boolean, string]> {
    const input = new PassThrough();
    const said = new PassThrough({ encoding: 'utf8' });
    input.end(typed);
    const yes = await answerOf(createInterface({ input, terminal: false }), said);
    return [yes, (said.read() as string | null) ?? ''];
  }

  it('is yes for y and yes alone; else it is said that nothing was done', async () => {
    expect(await answer('y\n')).to.deep.equal([true, '']);
    expect(await answer(' YES \n')).to.deep.equal([true, '']);
    expect(await answer('n\n')).to.deep.equal([false, 'nothing was done\n']);
    expect(await answer('\n')).to.deep.equal([false, 'nothing was done\n']);
    expect(await answer('yesterday\n')).to.deep.equal([false, 'nothing was done\n']);
  });

  it('is no for the end of the input, on a line of its own', async () => {
    expect(await answer('')).to.deep.equal([false, '\nnothing was done\n']);
  });
});
