/** Options that several commands share, read strictly: a wrong value is refused with what would be right. */
import { InvalidArgumentError } from 'commander';
import { traceUrlPattern } from '../lib/config/process-settings';

export const defaultDataDirectory = 'data/engine';
/** Of its own: a demonstration must not change what is in force elsewhere. */
export const demoDataDirectory = 'data/demo';
/** `run` starts on an empty store each time, so it has one of its own. */
export const defaultRunDirectory = 'data/run';
export const defaultGatewayUrl = 'http://127.0.0.1:8080';

/** Argument parser for a whole number within a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Argument parser for where traces are looked at. */
export function traceUrl(text: string): string {
  if (traceUrlPattern.test(text)) return text;
  throw new InvalidArgumentError('It must be an address with {traceId} in it.');
}

/** Where a gateway was told to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly adminHost?: string;
  readonly adminPort?: number;
}

/** One sentence for a port or address that cannot be listened on, with the option that chooses another; null for any other error. */
export function reasonNotListening(error: unknown, options: ListenOptions, portOption = '--port'): string | null {
  const { syscall, code, port, address, hostname } = error as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly address?: string;
    readonly hostname?: string;
  };
  const isListening = syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo';
  if (!isListening && code !== 'EADDRINUSE') return null;
  const { adminHost = '127.0.0.1', adminPort } = options;
  // The second port fails last: where both are the same one, it is the one to be changed.
  const isAdmin =
    adminPort !== undefined &&
    (port !== undefined ? port === adminPort : (hostname ?? address) === adminHost && adminHost !== options.host);
  const where = isAdmin ? `${adminHost}:${adminPort}` : `${options.host}:${options.port}`;
  const other = code === 'EADDRINUSE' ? (isAdmin ? '--admin-port' : portOption) : isAdmin ? '--admin-host' : '--host';
  const wayOut = code === 'EMFILE' ? '' : ` (${other} chooses another)`;
  return `cannot listen on ${where}: ${reasonOf(error)}${wayOut}`;
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

/** What the system says, without the path that the caller names anyway. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file or directory',
    ENOTDIR: 'a part of the path is no directory',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EISDIR: 'it is a directory',
    EEXIST: 'it exists already',
    EADDRINUSE: 'the port is taken',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'there is no such host',
    EMFILE: 'this process may open no more files: raise their limit (ulimit -n)',
  };
  return (code && known[code]) ?? message;
}

const dayMs = 86_400_000;
const unitsMs = new Map([
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', dayMs],
]);

/** Milliseconds of a length of time such as 30m, 1h or 2d; null for another text, for 0, and for more than `mostDays`. */
export function readLength(text: string, mostDigits: number, mostDays: number): number | null {
  const [, count = '', unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const lengthMs = Number(count) * (unitsMs.get(unit) ?? 0);
  return count.length <= mostDigits && lengthMs > 0 && lengthMs <= mostDays * dayMs ? lengthMs : null;
}

/** A length of time such as 30m, 1h or 2d, in milliseconds; at most 30 days. */
export function lengthOfTime(text: string): number {
  const lengthMs = readLength(text, 5, 30);
  if (lengthMs !== null) return lengthMs;
  throw new InvalidArgumentError('It must be a length of time like 30m, 1h or 2d, at most 30 days.');
}
