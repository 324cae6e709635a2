/** A Python environment of the project's own, with the packages that infra/python/requirements.txt pins. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { infraFile, projectRoot } from './infra-file';
import { installTools, run, runs, type Tool } from './tools';

const environment = join(projectRoot, '.cache/python');
const requirements = infraFile('python/requirements.txt');
/** Holds the requirements that were installed, once all of them are. */
const installed = join(environment, 'installed.txt');

const python: Tool = {
  name: 'Python 3.10 or newer with venv',
  packages: ['python3-venv'],
  // Debian's python3 has venv without ensurepip until python3-venv is installed.
  present: () => runs('python3', '-c', 'import sys, venv, ensurepip; assert sys.version_info >= (3, 10)'),
};

/** The interpreter that has the packages; null until installPython has run with the present requirements. */
export function pythonProgram(): string | null {
  const ready = existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(requirements, 'utf8');
  return ready ? join(environment, 'bin/python') : null;
}

/** Makes the environment unless it is there; needs Python and the network. Throws, saying what failed. */
export function installPython(): void {
  if (pythonProgram()) return;
  installTools([python]);
  rmSync(environment, { recursive: true, force: true });
  run('python3', '-m', 'venv', environment);
  run(join(environment, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--only-binary=:all:', '-r', requirements);
  writeFileSync(installed, readFileSync(requirements));
}
