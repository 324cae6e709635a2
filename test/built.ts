/** The compiled project, for tests that run it as programs: it starts three times as fast as its sources do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../infra/infra-file';

/** A path in dist. Throws without a build, which `make test` makes first. */
export function built(path: string): string {
  if (!existsSync(join(projectRoot, 'dist/.built')))
    throw new Error('this test runs what is built: `make build` first');
  return join(projectRoot, 'dist', path);
}
