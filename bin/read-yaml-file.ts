import { formatConfigErrors } from '../lib/config/parse-config';
import { readYaml } from '../lib/config/read-yaml';
import { CliError, type Io } from './io';
import { nameOf, readText } from './read-text';

/**
 * What a file of YAML or JSON says, or stdin as `-`: a part of a configuration, so with references to the environment, merge
 * keys and limits as in a whole one. Throws a CliError with every fault and its line.
 */
export async function readYamlFile(io: Io, file: string): Promise<unknown> {
  const read = readYaml(await readText(io, file), io.environment);
  const faults = read.ok
    ? read.issues.map((issue) => ({ ...read.positionOf(issue), path: issue.path, message: issue.message }))
    : read.faults;
  if (read.ok && faults.length === 0) return read.value;
  const errors = faults.map(({ path, ...fault }) => ({ ...fault, path: path.join('.') }));
  throw new CliError(`this cannot be read:\n${formatConfigErrors(errors, nameOf(file))}`);
}
