import { expect } from 'chai';
import { fuzzNetboot } from '../support/fuzz-netboot.ts';

describe('netboot', function () {
  this.timeout(180_000);

  it('outlives 2,000 requests that nobody would send, and answers iPXE with scripts', async () => {
    const statuses = await fuzzNetboot(2000);
    for (const status of ['200', '404']) expect(statuses, `${status} was met`).to.have.property(status);
  });
});
