/** How to reach Redis and what it may cost. The password never leaves this file in readable form, but for the client. */
import { isIP } from 'node:net';

export interface RedisSettings {
  /** `redis://[user[:password]@]host[:port][/database]`; `rediss://` speaks TLS. */
  readonly url: string;
  /** Wins over a password in the URL. */
  readonly password: string | null;
  /** null: TLS only where the URL says `rediss://`, against the machine's authorities. */
  readonly tls: { readonly caPem?: string; readonly rejectUnauthorized: boolean } | null;
  /** In front of every key: several engines share a Redis. */
  readonly keyPrefix: string;
  /** How long a small command may take. After one that took longer, Redis counts as away until it answers again. */
  readonly commandTimeoutMs: number;
  /** Commands without an answer, per connection; calls beyond it are rejected at once. */
  readonly maxPendingCommands: number;
  /** Values above this many bytes are kept in chunks of it, and travel on a connection of their own. */
  readonly chunkBytes: number;
}

export const defaultRedisSettings: RedisSettings = {
  url: 'redis://127.0.0.1:6379',
  password: null,
  tls: null,
  keyPrefix: 'quantum-router:',
  commandTimeoutMs: 250,
  maxPendingCommands: 1_000,
  chunkBytes: 1_048_576,
};

/** Where a connection goes, taken from the settings. */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: { readonly ca?: string; readonly rejectUnauthorized: boolean; readonly servername?: string } | null;
  /** `host:port`: what logs and errors call it. */
  readonly address: string;
}

/** Throws, without repeating the URL (it may hold a password), when it is not one of Redis. */
export function redisEndpoint({ url, password, tls }: RedisSettings): RedisEndpoint {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const path = /^\/?(\d*)$/.exec(parsed?.pathname ?? '');
  if (!parsed || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '' || !path) {
    throw new Error('the URL of Redis must look like redis://[user[:password]@]host[:port][/database]');
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? 6_379 : Number(parsed.port);
  const secure = tls ?? (parsed.protocol === 'rediss:' ? { rejectUnauthorized: true } : null);
  return {
    host,
    port,
    database: Number(path[1]),
    username: decoded(parsed.username) || null,
    password: password ?? (decoded(parsed.password) || null),
    tls: secure && {
      rejectUnauthorized: secure.rejectUnauthorized,
      // Names only: an address is checked against the certificate as it is.
      ...(isIP(host) === 0 && { servername: host }),
      ...(secure.caPem !== undefined && { ca: secure.caPem }),
    },
    address: `${parsed.hostname}:${port}`,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('in the URL of Redis, a percent sign in the user or the password is written %25');
  }
}
