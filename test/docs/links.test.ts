import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

const root = join(import.meta.dirname, '../..');

it('every link between the documents leads somewhere', () => {
  const documents = [
    'README.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
  ];
  const dead = documents.flatMap((document) =>
    [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .filter(([, to = '']) => !existsSync(join(root, dirname(document), to)))
      .map(([, to]) => `${document} -> ${to}`),
  );
  expect(dead).to.deep.equal([]);
});
