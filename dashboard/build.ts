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

/** Of what a browser has to load before it shows anything. */
export const maxGzipBytes = 300_000;

const files = ['index.html', 'app.js', 'app.css'];

/** Returns how many bytes a browser has to load, compressed. */
export function buildDashboard(target: string): number {
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
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(target, name))).length, 0);
}

if (require.main === module) {
  const bytes = buildDashboard(join(__dirname, '..', 'dist', 'dashboard'));
  if (bytes > maxGzipBytes) throw new Error(`the dashboard has ${bytes} bytes compressed, more than ${maxGzipBytes}`);
}
