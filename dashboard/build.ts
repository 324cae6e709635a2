/**
 * Makes the dashboard that the gateway serves, in dist/dashboard: one script, one style sheet and a page. Fails where what a
 * browser has to load grows beyond its bar.
 *
 *     tsx dashboard/build.ts
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';

const maxGzipBytes = 300_000;
const target = join(__dirname, '..', 'dist', 'dashboard');

mkdirSync(target, { recursive: true });
buildSync({
  entryPoints: [join(__dirname, 'app.tsx')],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
  outfile: join(target, 'app.js'),
});
cpSync(join(__dirname, 'index.html'), join(target, 'index.html'));
const bytes = ['index.html', 'app.js', 'app.css'].reduce(
  (sum, name) => sum + gzipSync(readFileSync(join(target, name))).length,
  0,
);
if (bytes > maxGzipBytes) throw new Error(`the dashboard has ${bytes} bytes compressed, more than ${maxGzipBytes}`);
