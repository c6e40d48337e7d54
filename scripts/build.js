// Bundles src/ into dist/: one file a command, shared code in chunks. A bundle starts in less
// than half the time of the same modules loaded one by one (bench/RESULTS.md, figure 1).
import { rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const commands = readdirSync(join(root, 'src/commands'), { recursive: true })
  .map((file) => join('src/commands', String(file)))
  .filter((file) => /\.tsx?$/.test(file));

await rm(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts', ...commands],
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Loaded at run time from node_modules: native code, and packages that read files beside themselves.
  external: [
    'better-sqlite3',
    'pg',
    'pg-native',
    'fastify',
    '@fastify/*',
    'pino',
    'prom-client',
    'pdfkit',
    'undici',
    'execa',
    'oracledb',
    'mysql',
    'mysql2',
    'mariadb',
    'sqlite3',
    'tedious',
    'pg-query-stream',
    'typescript',
    'ink',
    'react',
    'listr2',
    'ssh2',
  ],
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  logLevel: 'warning',
});
