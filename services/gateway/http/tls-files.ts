/**
 * Certificate and key of the gateway itself, from files, taken over when they change: whoever renews certificates writes the
 * files, and new connections have the new one.
 */
import { readFileSync, statSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Log } from '../../../lib/telemetry/log';
import type { Metrics } from '../../../lib/telemetry/metrics';

export interface TlsFiles {
  /** PEM, with the whole chain. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface FollowedTls {
  readonly pair: Pair;
  onChange(take: (pair: Pair) => void): void;
  stop(): void;
}

/** Asking for the time of a file costs next to nothing, and works where links are exchanged, as in clusters. */
const lookEveryMs = 1_000;

/** Throws an error for people where the files cannot be read or do not fit together. */
export function followTlsFiles({ certFile, keyFile }: TlsFiles, parts: { metrics: Metrics; log: Log }): FollowedTls {
  let pair: Pair;
  try {
    pair = readPair(certFile, keyFile);
  } catch (error) {
    throw new Error(`cannot speak TLS with ${certFile} and ${keyFile}: ${(error as Error).message}`);
  }
  let take: (pair: Pair) => void = () => {};
  const look = (): void => {
    try {
      const next = readPair(certFile, keyFile);
      if (next.cert.equals(pair.cert) && next.key.equals(pair.key)) return;
      take(next);
      pair = next;
      parts.log.info('the certificate has changed and is in use', { certFile });
    } catch (error) {
      // One of the two files may be there before the other: the next change is looked at again.
      parts.metrics.count('quantum_router_tls_reload_failures_total', {});
      parts.log.error('the changed certificate cannot be used; the one before stays in use', {
        certFile,
        error: error as Error,
      });
    }
  };
  for (const file of [certFile, keyFile]) watchFile(file, { persistent: false, interval: lookEveryMs }, look);
  return {
    pair,
    onChange(taken) {
      take = taken;
    },
    stop() {
      for (const file of [certFile, keyFile]) unwatchFile(file, look);
    },
  };
}

/** Throws where they are not a certificate and its key. */
function readPair(certFile: string, keyFile: string): Pair {
  const pair = {
    cert: readPem(certFile, 'CERTIFICATE'),
    key: readPem(keyFile, 'PRIVATE KEY'),
  };
  createSecureContext(pair);
  return pair;
}

function readPem(file: string, label: string): Buffer {
  if (statSync(file).isDirectory()) throw new Error(`${file} is a directory`);
  const bytes = readFileSync(file);
  // What OpenSSL says of a file that is none is the address of its own line.
  if (!new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(bytes.toString('latin1')))
    throw new Error(`${file} holds no ${label.toLowerCase()} in PEM (-----BEGIN ${label}-----)`);
  return bytes;
}
