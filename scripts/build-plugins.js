// What the bundler does apart from bundling. Each of these is here for the start of the program (bench: cold-start).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** @oclif/core without what we do not use of it. */
const lightOclif = {
  name: 'light-oclif',
  setup(bundler) {
    bundler.onResolve({ filter: /^@oclif\/core$/ }, () => ({
      path: join(import.meta.dirname, 'oclif-core.js'),
    }));
    // Sorting the commands' ids as people of this country would makes V8 load its tables of languages: 10 ms.
    bundler.onLoad({ filter: /@oclif\/core\/lib\/config\/plugin\.js$/ }, async ({ path }) => ({
      contents: replaceOnce(
        await readFile(path, 'utf8'),
        'a.id.localeCompare(b.id)',
        '(a.id < b.id ? -1 : 1)',
      ),
    }));
  },
};

/** knex with the two databases that a site can have, and better-sqlite3's code in the bundle. */
const twoDatabases = {
  name: 'two-databases',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\// }, ({ path, importer }) =>
      importer.endsWith('knex/lib/dialects/index.js') && !/better-sqlite3|postgres/.test(path)
        ? { path: `knex/lib/dialects/${path.slice(2)}`, external: true }
        : undefined,
    );
    // Its package `bindings` looks for the native part in many places, from the folder of the file that calls it.
    bundler.onResolve({ filter: /^bindings$/ }, ({ path }) => ({ path, namespace: 'native' }));
    bundler.onLoad({ filter: /.*/, namespace: 'native' }, () => ({
      contents: 'module.exports = (file) => require(`better-sqlite3/build/Release/${file}`);',
    }));
  },
};

/** The config's schema is data: it is made here, so that typebox need not be loaded to make it. */
const dataNow = {
  name: 'data-now',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/lib\/site\/schema\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        bundle: true,
        format: 'esm',
        platform: 'node',
        write: false,
      });
      const module = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
      const lines = Object.entries(module).map(([name, value]) => `export const ${name} = ${asData(value)};`);
      return { contents: lines.join('\n') };
    });
  },
};

function asData(value) {
  const json = JSON.stringify(value, (key, inner) => {
    if (typeof inner === 'function') throw new Error(`schema.ts: ${key}: a function, where only data can be`);
    return inner;
  });
  return `JSON.parse(${JSON.stringify(json)})`;
}

function replaceOnce(text, from, to) {
  if (text.split(from).length !== 2)
    throw new Error(`@oclif/core: ${from}: not there once; see what it is now`);
  return text.replace(from, to);
}

export const plugins = [lightOclif, twoDatabases, dataNow];
