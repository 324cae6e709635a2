/** Where the project's own files are, whether this code runs from the source or compiled from dist/. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The project's folder. */
export const projectRoot = [join(__dirname, '..'), join(__dirname, '../..')].find((folder) =>
  existsSync(join(folder, 'package.json')),
)!;

/** A file of infra/ that is not code, by its path in there. */
export function infraFile(path: string): string {
  return join(projectRoot, 'infra', path);
}
