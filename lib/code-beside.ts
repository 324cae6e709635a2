/** Where code lies that runs apart from its caller, from sources as well as built. */
import { extname, join } from 'node:path';

export interface CodeBeside {
  readonly file: string;
  /** What the runtime has to be told before. */
  readonly execArgv: readonly string[];
}

/** `folder` is the caller's `__dirname`, `name` that of the file without its extension. */
export function codeBeside(folder: string, name: string): CodeBeside {
  const extension = extname(__filename);
  // From sources (tests, development) whoever runs it has to learn TypeScript first; built, it needs nothing.
  const execArgv = extension === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  return { file: join(folder, `${name}${extension}`), execArgv };
}
