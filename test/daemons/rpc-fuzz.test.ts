import { expect } from 'chai';
import { fuzzRpc } from '../support/fuzz-rpc.ts';

describe('mdb and udb', function () {
  this.timeout(180_000);

  it('outlive 2,000 requests that nobody would send, and answer each call', async () => {
    const { statuses } = await fuzzRpc(2000);
    for (const status of ['200', '400', '403', '404', '500'])
      expect(statuses, `${status} was met`).to.have.property(status);
  });
});
