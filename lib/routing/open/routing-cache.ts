/**
 * Entries of the routing cache: what the weights say of a text, with the text's features, so that a look-up can tell whether another text
 * is near enough, and how long it may be used. Keys say of what kind the request is; they hold no text.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { RouterConfig } from '../../config/router-config';
import { contextOf, demandsIn } from '../../learning/features/context';
import { float32Of, int8Of } from '../../learning/features/encode';
import { taskSlotOf } from '../../learning/features/task-slot';
import { type KeptValues, keptValuesFault } from '../../learning/value/kept-values';
import type { KeyValueEntry } from '../../ports/key-value';
import type { RouteOpened } from '../../topics/generated/messages';
import { bucketsOf, normOf } from './sketch-hash';

/** In front of every key, so that a process can keep copies of these, and of these alone. */
export const cachePrefix = 'route-cache/';

/** What of a request says where its entry is. */
export type Sought = Pick<RouteOpened, 'encoderVersion' | 'sketch' | 'callerFeatures' | 'taskType'>;

/** Where an entry for this request may be, the likeliest place first; it is written to the first. `lineage`: of the weights in force. */
export function cacheKeys(sought: Sought, lineage: string, config: RouterConfig): string[] {
  const { encoderVersion, sketch, callerFeatures, taskType } = sought;
  const kind = `${cachePrefix}${encoderVersion}/${lineage}/${versionsOf(config)}/${taskSlotOf(taskType)}/`;
  // A vector of the caller's own has to be equal: nothing is known of what is near.
  if (callerFeatures !== null) return [`${kind}v${hash('sha256', callerFeatures, 'base64')}`];
  return bucketsOf(int8Of(sketch)).map((bucket) => kind + bucket);
}

const versions = new WeakMap<RouterConfig, string>();

/** Another version of a model is another model: what was said of the one before says nothing of it. */
function versionsOf(config: RouterConfig): string {
  let text = versions.get(config);
  if (text === undefined) {
    const named = config.models.flatMap(({ name, version }) => (version === undefined ? [] : [[name, version]]));
    text = named.length === 0 ? '' : hash('sha256', JSON.stringify(named), 'base64');
    versions.set(config, text);
  }
  return text;
}

export interface CacheEntry {
  readonly values: KeptValues;
  readonly basisSha256: string;
  readonly cachedAtMs: number;
  /** Ends: when the clock says so, and when so many rewards have been learned. */
  readonly untilMs: number;
  readonly untilRewards: number;
  readonly sketch: Int8Array;
  /** Euclidean length of the sketch. */
  readonly norm: number;
  readonly hand: Float32Array;
  /** What was demanded of the request. */
  readonly demands: Float32Array | null;
}

export interface Lifetime {
  readonly ttlMs: number;
  /** Rewards that may be learned meanwhile. */
  readonly rewards: number;
}

type Described = Pick<RouteOpened, 'cacheFingerprint' | 'basisSha256' | 'sketch' | 'handFeatures' | 'contextFeatures'>;

/** What an entry begins with; others are of another release, and misses. */
const format = 4;
const prefixBytes = 5;

const headSchema = z.strictObject({
  models: z.array(z.string()),
  hasLinear: z.boolean(),
  rewardMean: z.number(),
  policySha256: z.string().max(200),
  basisSha256: z.string().max(200),
  learnedRewards: z.int().min(0),
  cachedAtMs: z.int().min(0),
  untilMs: z.number(),
  untilRewards: z.number(),
  /** Bytes of the sketch, the hand-made features and the circumstances; the values are the rest. */
  lengths: z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)]),
});

/** Format (1 byte), length of the head (uint32, little-endian), head as JSON, sketch, hand-made features, circumstances, values. */
export function cacheEntry(opened: Described, kept: KeptValues, life: Lifetime, nowMs: number): KeyValueEntry {
  const { cacheFingerprint, basisSha256, sketch, handFeatures, contextFeatures } = opened;
  const { values, ...facts } = kept;
  const head: z.infer<typeof headSchema> = {
    ...facts,
    basisSha256: basisSha256 ?? '',
    cachedAtMs: nowMs,
    untilMs: nowMs + life.ttlMs,
    untilRewards: kept.learnedRewards + life.rewards,
    lengths: [sketch.length, handFeatures.length, contextFeatures.length],
  };
  const json = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(prefixBytes);
  prefix[0] = format;
  prefix.writeUInt32LE(json.length, 1);
  const value = Buffer.concat([prefix, json, sketch, handFeatures, contextFeatures, values]);
  return { key: cacheFingerprint, value, ttlMs: Math.max(1, Math.round(life.ttlMs)) };
}

const read = new WeakMap<Buffer, CacheEntry | null>();

/**
 * Null where these bytes are no entry: that is a miss. Others can write to the store, so nothing is believed unseen. Copies that a process
 * keeps are read once.
 */
export function readEntry(bytes: Buffer): CacheEntry | null {
  let entry = read.get(bytes);
  if (entry === undefined) {
    entry = parseEntry(bytes);
    read.set(bytes, entry);
  }
  return entry;
}

function parseEntry(bytes: Buffer): CacheEntry | null {
  if (bytes.length < prefixBytes || bytes[0] !== format) return null;
  const start = prefixBytes + bytes.readUInt32LE(1);
  const head = parseHead(bytes.subarray(prefixBytes, start));
  if (head === null) return null;
  const { basisSha256, cachedAtMs, untilMs, untilRewards, lengths, ...facts } = head;
  const ends = lengths.map((_, i) => start + lengths.slice(0, i + 1).reduce((sum, length) => sum + length, 0));
  const [sketchEnd, handEnd, contextEnd] = [ends[0]!, ends[1]!, ends[2]!];
  if (contextEnd > bytes.length || lengths[1] % Float32Array.BYTES_PER_ELEMENT !== 0) return null;
  const sketch = int8Of(bytes.subarray(start, sketchEnd));
  const context = contextOf(bytes.subarray(handEnd, contextEnd));
  const values = { ...facts, values: bytes.subarray(contextEnd) };
  if (keptValuesFault(values) !== null) return null;
  return {
    values,
    basisSha256,
    cachedAtMs,
    untilMs,
    untilRewards,
    sketch,
    norm: normOf(sketch),
    hand: float32Of(bytes.subarray(sketchEnd, handEnd)),
    demands: context && demandsIn(context),
  };
}

function parseHead(bytes: Buffer): z.infer<typeof headSchema> | null {
  try {
    return headSchema.safeParse(JSON.parse(bytes.toString())).data ?? null;
  } catch {
    return null;
  }
}
