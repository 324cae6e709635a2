/** A commit of this project, built beside today's tree, to be measured against it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../infra/infra-file';

export interface BuiltCommit {
  readonly sha: string;
  /** The folder of its tree, with its dist. */
  readonly root: string;
}

const built = join(projectRoot, '.cache/against');

/** `ref` is whatever git takes for a commit. What was built once is built for good. */
export function buildCommit(ref: string): BuiltCommit {
  const sha = git('rev-parse', '--verify', `${ref}^{commit}`);
  const tree = join(built, sha);
  if (existsSync(join(tree, 'dist/.against'))) return { sha, root: tree };
  mkdirSync(built, { recursive: true });
  if (!existsSync(tree)) {
    git('worktree', 'prune');
    git('worktree', 'add', '--detach', tree, sha);
  }
  const lock = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8');
  const modules = join(tree, 'node_modules');
  if (lock(tree) !== lock(projectRoot)) run(tree, 'npm', 'ci', '--no-fund', '--no-audit', '--loglevel=error');
  else if (!existsSync(modules)) symlinkSync(join(projectRoot, 'node_modules'), modules);
  run(tree, join(modules, '.bin/tsc'), '-p', 'tsconfig.build.json');
  run(tree, 'touch', 'dist/.against');
  return { sha, root: tree };
}

function git(...args: string[]): string {
  return run(projectRoot, 'git', ...args);
}

function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
}
