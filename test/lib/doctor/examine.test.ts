import { expect } from 'chai';
import { check, green, NotChecked, type Patient, red, yellow } from '../../../src/lib/doctor/check.ts';
import { examine } from '../../../src/lib/doctor/examine.ts';
import { exitStatus } from '../../../src/lib/doctor/show.ts';
import { ProloError } from '../../../src/lib/errors.ts';

const patient = {} as Patient;
const one = (name: string, gather: (patient: Patient) => Promise<unknown>) =>
  check({ name, subject: name, gather, decide: () => [green('well')] });

describe('examining', () => {
  it('a check that hangs is red, and holds up no other', async () => {
    let told = false;
    const hangs = one('hangs', ({ signal }) => {
      signal.addEventListener('abort', () => (told = true));
      return new Promise(() => undefined);
    });
    const done: string[] = [];
    const outcomes = await examine([hangs, one('well', () => Promise.resolve())], patient, {
      limitMs: 100,
      onDone: ({ name }) => done.push(name),
    });
    expect(outcomes.map(({ name, colour }) => [name, colour])).to.deep.equal([
      ['hangs', 'red'],
      ['well', 'green'],
    ]);
    expect(outcomes[0]!.findings).to.deep.equal([
      { colour: 'red', what: 'no answer in 0.1 s', fix: 'prolo doctor --only hangs' },
    ]);
    expect(done).to.deep.equal(['well', 'hangs']);
    expect(told).to.equal(true);
  });

  it('what cannot be looked at is yellow, what breaks is red with its hint', async () => {
    const outcomes = await examine(
      [
        one('needs', () => Promise.reject(new NotChecked('it needs root', 'sudo'))),
        one('breaks', () =>
          Promise.reject(new ProloError('unavailable', 'kea: not running', { hint: 'start' })),
        ),
      ],
      patient,
    );
    expect(outcomes.map(({ findings }) => findings[0])).to.deep.equal([
      yellow('not checked: it needs root', 'sudo'),
      red('kea: not running', 'start'),
    ]);
  });

  it('a deciding half that fails is red too', async () => {
    const broken = check({
      name: 'broken',
      subject: 'x',
      gather: () => Promise.resolve(),
      decide: () => {
        throw new Error('oops');
      },
    });
    expect((await examine([broken], patient))[0]).to.include({ colour: 'red' });
  });

  it('only red is a failure', () => {
    const outcome = { name: 'x', subject: 'x', findings: [], ms: 1 };
    expect(exitStatus([{ ...outcome, colour: 'yellow' }])).to.equal(0);
    expect(
      exitStatus([
        { ...outcome, colour: 'yellow' },
        { ...outcome, colour: 'red' },
      ]),
    ).to.equal(1);
  });
});
