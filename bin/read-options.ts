/** Options that several commands share, read strictly: a wrong value is refused with what would be right. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { defaultConfigYaml, formatConfigErrors, parseConfig } from '../lib/config/parse-config';
import type { RouterConfig } from '../lib/config/router-config';
import { CliError, type Io } from './io';

export const defaultConfigFile = 'quantum-router.yaml';
export const defaultDataDirectory = 'data/engine';

/** Argument parser for a whole number within a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Argument parser for a list of names. */
export function commaSeparated(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

/** Argument parser for the address of a gateway, without a slash at the end. */
export function gatewayUrl(text: string): string {
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('It must look like http://127.0.0.1:8080.');
}

export function readText(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.workingDirectory, file), 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** The named configuration, else the one in the working directory, else the built-in example (and says so). */
export function readConfig(io: Io, file: string | undefined): RouterConfig {
  const found = file ?? (existsSync(resolve(io.workingDirectory, defaultConfigFile)) ? defaultConfigFile : undefined);
  if (found === undefined) {
    io.stderr.write(`no ${defaultConfigFile} here: using the example models of \`quantum-router init\`\n`);
  }
  const parsed = parseConfig(found === undefined ? defaultConfigYaml() : readText(io, found));
  if (parsed.ok) return parsed.config;
  throw new CliError(`the configuration is not valid:\n${formatConfigErrors(parsed.errors, found)}`);
}

/** What the system says, without the path that the caller names anyway. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    EEXIST: 'it exists already',
    EADDRINUSE: 'the port is taken',
  };
  return (code && known[code]) ?? message;
}
