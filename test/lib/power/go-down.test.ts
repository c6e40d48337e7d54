import { expect } from 'chai';
import { bootIdIn } from '../../../src/lib/power/boot-id.ts';
import { judgeDown } from '../../../src/lib/power/go-down.ts';
import type { Outcome } from '../../../src/lib/ssh/protocol.ts';

describe('judgeDown', () => {
  const failed = (rest: Partial<Outcome>): Outcome => ({ hostname: 'pc', status: 'failed', ms: 5, ...rest });
  const gone = (status: Outcome['status']): Outcome => failed({ status, reason: 'why' });
  const cases: [string, Outcome, { hasBegun?: boolean; hungUp?: boolean; stderr?: string }, string][] = [
    ['systemctl says yes', failed({ status: 'ok', exitCode: 0 }), {}, 'ok'],
    ['it takes the connection with it', gone('unreachable'), { hungUp: true }, 'ok'],
    ['it falls silent', gone('timeout'), { hungUp: true }, 'ok'],
    ['it ends the command', failed({ signal: 'TERM', reason: 'killed by TERM' }), {}, 'ok'],
    ['its systemctl has no end', gone('timeout'), {}, 'timeout: why'],
    ['it was not there', gone('unreachable'), { hasBegun: false, hungUp: true }, 'unreachable: why'],
    ['it lets nobody in', gone('refused'), { hasBegun: false, hungUp: true }, 'refused: why'],
    ['systemctl crashes', failed({ signal: 'SEGV', reason: 'killed by SEGV' }), {}, 'failed: killed by SEGV'],
    [
      'systemctl refuses',
      failed({ exitCode: 1 }),
      { stderr: 'Warning\nCall to Reboot failed: Access denied\n' },
      'failed: Call to Reboot failed: Access denied',
    ],
    ['it fails without a word', failed({ exitCode: 3 }), {}, 'failed: undefined'],
  ];
  for (const [what, outcome, rest, expected] of cases)
    it(`${what}: ${expected}`, () => {
      const { status, reason } = judgeDown({ outcome, hasBegun: true, hungUp: false, stderr: '', ...rest });
      expect(status === 'ok' ? 'ok' : `${status}: ${reason}`).to.equal(expected);
    });
});

describe('bootIdIn', () => {
  const id = '0b7f6c2e-5a0c-4c0e-9f2b-5d9f3c1f8a11';
  it('finds the id behind what a login script printed', () => {
    expect(bootIdIn(`welcome\n${id}\n`)).to.equal(id);
  });
  it('takes nothing else for one', () => {
    expect(bootIdIn('')).to.equal(undefined);
    expect(bootIdIn(`x${id}\n`)).to.equal(undefined);
    expect(bootIdIn(`${id.slice(0, 20)}`)).to.equal(undefined);
  });
});
