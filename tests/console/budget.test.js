/** What the client library costs a page: minified as a page's own build makes it, and as it is served, with its comments. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIB = new URL('../../tivo/console/lib/', import.meta.url);
const file = (name) => fileURLToPath(new URL(name, LIB));
const CORE = `export { Player } from '${file('player.js')}'; export { webSockets, realWorld } from '${file('transport.js')}';`;

function vite() {
  try {
    return createRequire(new URL('../app/package.json', LIB)).resolve('vite');
  } catch {
    return undefined; // npm ci has not run
  }
}

/** Bytes, gzipped, of what a page that imports `entry` loads before it calls anything. */
async function minified(entry) {
  const { build } = await import(pathToFileURL(vite()).href);
  const core = {
    name: 'core',
    resolveId: (id) => (id.endsWith('/core') ? '\0core' : null),
    load: (id) => (id === '\0core' ? CORE : null),
  };
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [core],
    build: {
      write: false,
      target: 'es2022',
      lib: { entry, formats: ['es'] },
      rollupOptions: { output: { minify: true } },
    },
  });
  const loaded = output.filter(({ isDynamicEntry }) => !isDynamicEntry).map(({ code }) => code);
  return gzipSync(loaded.join('')).length;
}

const skip = vite() ? false : 'run npm ci in tivo/console/app first';

test('the core (player and socket) takes at most 4 096 bytes, minified and gzipped', { skip }, async (context) => {
  const bytes = await minified('core');

  context.diagnostic(`core: ${bytes} bytes minified and gzipped`);
  assert.ok(bytes <= 4096, `${bytes} bytes`);
});

test('with the HTTP methods it takes at most 4 400 bytes, minified and gzipped', { skip }, async (context) => {
  const bytes = await minified(file('tivo.js'));

  context.diagnostic(`tivo.js: ${bytes} bytes minified and gzipped`);
  assert.ok(bytes <= 4400, `${bytes} bytes`);
});

test('as it is served, comments and all, it stays below 16 KiB gzipped', (context) => {
  const sources = readdirSync(LIB).filter((name) => name.endsWith('.js'));

  const bytes = sources.map((name) => gzipSync(readFileSync(file(name))).length).reduce((sum, each) => sum + each);

  context.diagnostic(`as served: ${bytes} bytes gzipped in ${sources.length} files`);
  assert.ok(bytes <= 16_384, `${bytes} bytes`);
});
