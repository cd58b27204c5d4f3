import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What goes out to browsers goes out with its licences. */
const SHIPPED = ['lit', 'world-atlas', '@fontsource-variable/geist', '@fontsource-variable/geist-mono'];

function licences() {
  const text = (name) => `${name}\n\n${readFileSync(here(`node_modules/${name}/LICENSE`), 'utf8')}`;
  return {
    name: 'licences',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: SHIPPED.map(text).join('\n\n') });
    },
  };
}

const GATEWAY = process.env.TIVO_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: './',
  plugins: [licences()],
  build: {
    outDir: here('../static'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { console: here('index.html'), elements: here('src/elements.ts') },
      // A stable name, so that other people's pages can load the elements.
      output: { entryFileNames: ({ name }) => (name === 'elements' ? 'elements.js' : 'assets/[name]-[hash].js') },
      preserveEntrySignatures: 'exports-only',
    },
  },
  server: {
    proxy: { '/v1': GATEWAY, '/lib': GATEWAY, '/ws': { target: GATEWAY, ws: true } },
  },
});
