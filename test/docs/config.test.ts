import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { renderConfigDoc } from '../../src/lib/site/config-doc.ts';

it('docs/config.md lists every key as it is now (`npm run docs` writes it)', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/config.md'), 'utf8')).to.equal(renderConfigDoc());
});
