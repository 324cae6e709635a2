/** The dashboard: a page that asks this API. It holds nothing that is worth a key, so it is served to everybody. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../endpoint';
import { HttpError } from '../http/http-error';

/** Beside what is built; seen from the sources, below it. */
const folders = [join(__dirname, '../../../dashboard'), join(__dirname, '../../../dist/dashboard')];

const files = [
  { path: '/', file: 'index.html', contentType: 'text/html' },
  { path: '/dashboard/app.js', file: 'app.js', contentType: 'text/javascript' },
  { path: '/dashboard/app.css', file: 'app.css', contentType: 'text/css' },
] as const;

/** Nothing but what this gateway serves, and nobody may put it into a frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function dashboardEndpoints(): Endpoint[] {
  return files.map(({ path, file, contentType }): Endpoint => {
    let content: Buffer | null = null;
    return {
      method: 'GET',
      path,
      summary: path === '/' ? 'The dashboard.' : 'A part of the dashboard.',
      responses: { 200: { doc: 'For a browser.', body: { contentType } } },
      errors: ['not_found'],
      handler: (_request, reply) => {
        content ??= read(file);
        if (content === null) throw new HttpError('not_found', 'the dashboard has not been built: make build does it');
        reply
          .header('content-type', `${contentType}; charset=utf-8`)
          .header('cache-control', 'no-cache')
          .header('content-security-policy', policy)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer');
        return reply.send(content);
      },
    };
  });
}

function read(file: string): Buffer | null {
  // The sources have a page, too, but nothing to go with it.
  const folder = folders.find((one) => existsSync(join(one, 'app.js')));
  return folder === undefined ? null : readFileSync(join(folder, file));
}
