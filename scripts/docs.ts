// Writes the parts of docs/ that come from the code: `npm run docs`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderConfigDoc } from '../src/lib/site/config-doc.ts';

writeFileSync(join(import.meta.dirname, '../docs/config.md'), renderConfigDoc());
