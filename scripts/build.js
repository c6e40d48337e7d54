// Bundles src/ into dist/: one file a command, shared code in chunks, V8's code cache beside each file (bin/load.js). So it
// starts in a third of the time of the same modules loaded one by one (bench/RESULTS.md, figure 1).
import { readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { build, transform } from 'esbuild';
import { compile } from '../bin/load.js';
import { plugins } from './build-plugins.js';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Where the next dist/ grows, so that a prolo that starts meanwhile has the old one whole. */
const next = join(root, `node_modules/.prolo-dist-${process.pid}`);

/** `commands/mdb/add` -> file, of every command below a folder. */
function commandsIn(dir) {
  const files = readdirSync(join(root, dir), { recursive: true }).map(String);
  return Object.fromEntries(
    files
      .filter((file) => /\.(tsx?|js)$/.test(file) && !file.endsWith('.d.ts'))
      .map((file) => [join('commands', file.replace(/\.\w+$/, '')), join(dir, file)]),
  );
}

const target = { platform: 'node', target: 'node20', legalComments: 'none', logLevel: 'warning' };

const { outputFiles } = await build({
  ...target,
  absWorkingDir: root,
  entryPoints: {
    main: 'src/main.ts',
    ...commandsIn('node_modules/@oclif/plugin-help/lib/commands'),
    ...commandsIn('node_modules/@oclif/plugin-autocomplete/lib/commands'),
    ...commandsIn('src/commands'),
    'hooks/command-not-found': 'src/hooks/command-not-found.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  splitting: true, // which needs ES modules
  format: 'esm',
  minifySyntax: true,
  plugins,
  // Loaded at run time from node_modules: native code, and packages that read files beside themselves. What is no
  // CommonJS must be loaded with import().
  external: [
    'better-sqlite3',
    'pg',
    'pg-native',
    'pg-query-stream',
    'sqlite3',
    'fastify',
    '@fastify/*',
    'pino',
    'prom-client',
    'pdfkit',
    'undici',
    'execa',
    'typescript',
    'ink',
    'react',
    'listr2',
    'ssh2',
  ],
  write: false,
});

try {
  for (const { path, text } of outputFiles) {
    const file = join(next, relative(dist, path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await toCommonJs(text));
    await writeFile(`${file}.cache`, codeCache(file));
  }
  await rm(dist, { recursive: true, force: true });
  await rename(next, dist);
} finally {
  await rm(next, { recursive: true, force: true });
}

/** V8 has a code cache for scripts only. Our own chunks come at once then, other packages by load.js's import(). */
async function toCommonJs(text) {
  const own = text.replace(/\bimport\("(\.[^"]+)"\)/g, 'Promise.resolve().then(()=>require("$1"))');
  const { code } = await transform(own.replace(/\bimport\((?!\))/g, 'importOther('), {
    ...target,
    format: 'cjs',
    define: { 'import.meta.url': '__url' },
    banner: [
      ...(text.includes('import.meta.url')
        ? ["const __url=require('node:url').pathToFileURL(__filename).href;"]
        : []),
      // Where Node itself loads the file, there is no such argument.
      ...(text.includes('import(') ? ['var importOther=importOther||((id)=>import(id));'] : []),
    ].join('\n'),
  });
  return code.replace(/[^\x00-\x7f]/g, unicodeEscape);
}

/** What esbuild leaves as it is in regular expressions: load.js wants ASCII. */
function unicodeEscape(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The code of all functions of a file, not only of those that run at once. */
function codeCache(file) {
  setFlagsFromString('--no-lazy');
  const script = compile(file);
  setFlagsFromString('--lazy'); // V8 takes a cache back only under the flags that it was made with
  return script.createCachedData();
}
