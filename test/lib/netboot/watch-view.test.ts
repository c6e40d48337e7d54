import { expect } from 'chai';
import type { StageReport } from '../../../src/lib/netboot/stages.ts';
import { aged, sinceText, watchLine, watchOrder, watchSummary } from '../../../src/lib/netboot/watch-view.ts';

const report = (fields: Partial<StageReport>): StageReport => ({
  hostname: 'pas-r01p01',
  mac: '52:54:00:00:00:01',
  ip: '192.168.0.1',
  stage: 'script',
  since: '2019-05-01T10:00:00.000Z',
  seconds: 5,
  stuck: false,
  note: '',
  ...fields,
});

describe('netboot watch', () => {
  it('says how long, as people do', () => {
    expect([5, 119, 120, 7199, 7200, 172_799, 172_800].map(sinceText)).to.deep.equal([
      '5s',
      '119s',
      '2m',
      '119m',
      '2h',
      '47h',
      '2d',
    ]);
  });

  it('shows who needs somebody first', () => {
    const order = watchOrder([
      report({ hostname: 'a', stage: 'up' }),
      report({ hostname: 'b', seconds: 3 }),
      report({ hostname: 'c', stuck: true }),
      report({ hostname: 'd', seconds: 9 }),
    ]);
    expect(order.map(({ hostname }) => hostname)).to.deep.equal(['c', 'd', 'b', 'a']);
  });

  it('sums up', () => {
    expect(watchSummary([])).to.equal('0 machines; 0 stuck');
    expect(watchSummary([report({}), report({ stage: 'up' }), report({ stuck: true })])).to.equal(
      '3 machines: 2 script, 1 up; 1 stuck',
    );
  });

  it('a line cannot move a terminal’s cursor', () => {
    expect(watchLine(report({ hostname: '', note: 'a\u001b[2Jb', stuck: true }))).to.equal(
      '2019-05-01T10:00:00.000Z  (unknown)  52:54:00:00:00:01  192.168.0.1  script  STUCK  a?[2Jb',
    );
  });

  it('ages what it heard', () => {
    expect(aged(report({}), Date.parse('2019-05-01T10:01:00Z')).seconds).to.equal(60);
  });
});
