import { expect } from 'chai';
import { describePublished } from '../../../src/lib/rfs/describe-publish.ts';

describe('what machines boot from now on', () => {
  it('is a sentence, also where it is one machine, or none', () => {
    expect(describePublished({ version: 3, switched: [0, 2] })).to.equal(
      'version 3: booted from now on by the machines of rfs 0, 2',
    );
    expect(describePublished({ version: 3, switched: [], tried: 1 })).to.equal(
      'version 3: tried by 1 machine from the next start on',
    );
    expect(describePublished({ version: 1, switched: [] })).to.match(/^version 1: booted by nobody: /);
  });
});
