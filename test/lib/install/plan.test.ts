import { expect } from 'chai';
import { describeChange, describeStep } from '../../../src/lib/install/describe.ts';
import { type FileState, type HostState, orderRecipes, planInstall } from '../../../src/lib/install/plan.ts';
import type { Recipe } from '../../../src/lib/install/recipe.ts';
import { sha256 } from '../../../src/lib/install/state.ts';

const recipe: Recipe = {
  name: 'web',
  summary: '',
  packages: ['nginx', 'curl'],
  users: [{ name: 'prolo' }],
  folders: [{ path: '/srv/x', mode: 0o700, owner: 'prolo' }],
  files: [{ path: '/etc/a', text: 'ours\n' }],
  units: ['nginx.service'],
};
const file = (text: string, mode = 0o644): FileState => ({
  ...{ text, mode, owner: 'root', group: 'root' },
  sha256: sha256(text),
});
const nothing: HostState = {
  packages: new Set(),
  users: new Set(),
  folders: new Map(),
  files: new Map(),
  trees: new Map(),
  enabled: new Set(),
  written: new Map(),
};
const all: HostState = {
  ...nothing,
  packages: new Set(['nginx', 'curl']),
  users: new Set(['prolo']),
  folders: new Map([['/srv/x', { mode: 0o700, owner: 'prolo', group: 'prolo' }]]),
  files: new Map([['/etc/a', file('ours\n')]]),
  enabled: new Set(['nginx.service']),
};
const plan = (state: Partial<HostState>) => planInstall([recipe], { ...all, ...state });

describe('what is planned for a host', () => {
  it('is all of it on a bare one, in the order in which it can be done', () =>
    expect(planInstall([recipe], nothing).map(describeStep)).to.deep.equal([
      '+ packages nginx curl',
      '+ user prolo',
      '+ /srv/x/',
      '+ /etc/a',
      '+ starts with this host: nginx.service',
    ]));
  it('is nothing where all is so', () => expect(plan({})).to.deep.equal([]));
  it('is what is missing', () =>
    expect(plan({ packages: new Set(['curl']) }).map(describeStep)).to.deep.equal(['+ packages nginx']));

  const files = (state: FileState) => new Map([['/etc/a', state]]);
  it('knows a file that prolo or a package wrote from one that a person did', () => {
    const written = new Map([['/etc/a', new Set([sha256('older\n')])]]);
    expect(plan({ files: files(file('older\n')), written })).to.deep.include.members([
      { kind: 'file', recipe: 'web', wish: recipe.files![0], before: file('older\n'), edited: false },
    ]);
    const [step] = plan({ files: files(file('theirs\n')), written });
    expect(describeStep(step!)).to.equal('~ /etc/a  (changed by hand since)');
    expect(describeChange(step!)).to.include('-theirs').and.to.include('+ours');
  });
  it('a mode or an owner that is another is put right, and is no edit', () => {
    const [step] = plan({ files: files(file('ours\n', 0o666)) });
    expect(describeStep(step!)).to.equal('~ /etc/a');
  });
  it('tells a folder of this machine’s files in a line', () => {
    const wish = { path: '/usr/lib/x', what: 'the program', entries: () => [] };
    const entries = [{ path: 'usr/lib/x/a', copyOf: '/a', mode: 0o755 }];
    const tell = (there: boolean) => {
      const trees = new Map([['/usr/lib/x', { entries, files: 7, bytes: 3_500_000, there }]]);
      const steps = planInstall([{ name: 'x', summary: '', trees: [wish] }], { ...nothing, trees });
      return steps.map((step) => describeStep(step) + describeChange(step));
    };
    expect(tell(false)).to.deep.equal(['+ /usr/lib/x/: the program, 4 MB']);
    expect(tell(true)).to.deep.equal(['~ /usr/lib/x/: the program, 1 of 7 files, 4 MB']);
    expect(planInstall([{ name: 'x', summary: '', trees: [wish] }], nothing)).to.deep.equal([]);
  });
  it('shows nothing of a file that others may not read', () => {
    const secret: Recipe = { name: 's', summary: '', files: [{ path: '/etc/s', text: 'new', mode: 0o600 }] };
    const [step] = planInstall([secret], { ...nothing, files: new Map([['/etc/s', file('old', 0o600)]]) });
    expect(describeChange(step!)).not.to.match(/old|new/);
  });
});

describe('the order of recipes', () => {
  const of = (name: string, ...needs: string[]): [string, Recipe] => [name, { name, summary: '', needs }];
  it('is each after what it needs, once', () =>
    expect(
      orderRecipes(['c', 'a'], new Map([of('a'), of('b', 'a'), of('c', 'b', 'a')])).map(({ name }) => name),
    ).to.deep.equal(['a', 'b', 'c']));
  it('refuses what is none, and a circle', () => {
    expect(() => orderRecipes(['x'], new Map())).to.throw('recipe x: there is none');
    expect(() => orderRecipes(['a'], new Map([of('a', 'b'), of('b', 'a')]))).to.throw(
      'recipe a: needs itself, through a, b',
    );
  });
});
