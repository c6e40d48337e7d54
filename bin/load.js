// Loads dist/ with V8's code cache, which the build put beside each file: a start compiles nothing. Node 22 can do that
// by itself (module.enableCompileCache), Node 20 cannot. A cache that V8 refuses, another version's, is left alone.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const requireOther = createRequire(join(dist, 'main.cjs'));
const importOther = (id) => import(id); // a script of node:vm has none
const modules = new Map();

/** What a CommonJS file of dist/ exports. */
export function load(file) {
  let module = modules.get(file);
  if (!module) {
    module = { exports: {} };
    modules.set(file, module);
    const dir = dirname(file);
    const require = (id) => {
      const path = id.startsWith('.') ? resolve(dir, id) : id;
      return path.startsWith(dist) ? load(path) : requireOther(path);
    };
    require.resolve = requireOther.resolve;
    const run = compile(file, cacheOf(file)).runInThisContext();
    run(module.exports, require, module, file, dir, importOther);
  }
  return module.exports;
}

/** A file of dist/, as Node wraps CommonJS. The bundler writes ASCII, which is read the fastest as Latin-1. */
export function compile(file, cachedData) {
  const wrapped = '(function(exports,require,module,__filename,__dirname,importOther){';
  return new Script(`${wrapped}${readFileSync(file, 'latin1')}\n})`, { filename: file, cachedData });
}

function cacheOf(file) {
  try {
    return readFileSync(`${file}.cache`);
  } catch {
    return undefined;
  }
}
