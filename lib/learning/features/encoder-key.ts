/**
 * The hash of the text sketch with a key of the installation. Without the key nobody can make the sketch of a guessed text, so
 * a log that got out cannot be searched with a dictionary; what the key does not hide stands in docs/state-encoder.md.
 */
import { createHmac } from 'node:crypto';
import { bucketCount, type Encoded, encoderVersion, encodeText, type Hashing, tableEntry } from './encode';

/** Shorter ones can be tried out. */
const leastSecretBytes = 16;
const digestBytes = 32;
const fingerprintCharacters = 8;

/** How texts become sketches, and the name that says so in every record. */
export interface Encoder {
  readonly version: string;
  encode(text: string): Encoded;
}

/** The hash that shipped and recorded features have. */
export const commonEncoder: Encoder = { version: encoderVersion, encode: (text) => encodeText(text) };

/**
 * The encoder of one installation. Everything is drawn from HMAC-SHA256 under the secret: what words are mixed with, and the
 * table from what comes of them to places in the sketch. Throws for a secret of fewer than 16 bytes.
 */
export function keyedEncoder(secret: string | Buffer): Encoder {
  if (Buffer.byteLength(secret) < leastSecretBytes)
    throw new Error(
      `the key of the encoder has ${Buffer.byteLength(secret)} bytes: at least ${leastSecretBytes} are needed`,
    );
  const drawn = (label: string): Buffer => createHmac('sha256', secret).update(label).digest();
  const mixing = drawn('mixing');
  const table = new Uint16Array(bucketCount);
  const perDigest = digestBytes / 2;
  for (let block = 0; block < bucketCount / perDigest; block++) {
    const bytes = drawn(`table ${block}`);
    for (let i = 0; i < perDigest; i++) table[block * perDigest + i] = tableEntry(bytes.readUInt16LE(2 * i));
  }
  const hashing: Hashing = { first: mixing.readInt32LE(0), second: mixing.readInt32LE(4) || 1, table };
  const fingerprint = drawn('fingerprint').toString('hex').slice(0, fingerprintCharacters);
  return {
    version: `${encoderVersion}-key-${fingerprint}`,
    encode: (text) => encodeText(text, undefined, hashing),
  };
}

/** Where a configuration asks for a key that this process has not: a text says nothing then, and never in the common hash. */
export const blindEncoder: Encoder = {
  version: 'no-key',
  encode: () => ({ sketch: new Int8Array(0), sketchScale: 0, handFeatures: new Float32Array(0) }),
};

/** The encoder that a configuration means. `keyed`: of this process; null without a key. */
export function encoderOf(config: { readonly encoder: { readonly keyed: boolean } }, keyed: Encoder | null): Encoder {
  return config.encoder.keyed ? (keyed ?? blindEncoder) : commonEncoder;
}

type Keyed = { readonly encoder: { readonly keyed: boolean } };

/** What to do where a process would have to encode without its key; null where it would not. */
export function faultOfKey(config: Keyed, keyed: Encoder | null): string | null {
  return config.encoder.keyed && keyed === null
    ? 'encoder.keyed is true and this process has no key: let ENCODER_KEY_FILE name a file with at least 16 random bytes, the same for route-intake and dqn-trainer'
    : null;
}

/** Throws where a process would have to encode without its key. */
export function assertKey(config: Keyed, keyed: Encoder | null): void {
  const fault = faultOfKey(config, keyed);
  if (fault !== null) throw new Error(fault);
}
