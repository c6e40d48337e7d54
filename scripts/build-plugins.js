// What the bundler does apart from bundling. Each of these is here for the start of the program (bench: cold-start).
import { join } from 'node:path';
import { build } from 'esbuild';

/** @oclif/core without what we do not use of it: its index loads all of it. */
const lightOclif = {
  name: 'light-oclif',
  setup(bundler) {
    bundler.onResolve({ filter: /^@oclif\/core$/ }, () => ({
      path: join(import.meta.dirname, 'oclif-core.js'),
    }));
  },
};

/** knex with the two databases that a site can have. */
const twoDatabases = {
  name: 'two-databases',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\// }, ({ path, importer }) =>
      importer.endsWith('knex/lib/dialects/index.js') && !/better-sqlite3|postgres/.test(path)
        ? { path: `knex/lib/dialects/${path.slice(2)}`, external: true }
        : undefined,
    );
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

export const plugins = [lightOclif, twoDatabases, dataNow];
