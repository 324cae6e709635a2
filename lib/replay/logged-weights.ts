/**
 * Learned weights for a replay, by hash, from the log alone. A replay asks for many versions, old ones too: where each
 * stands is learned in one pass, instead of a search from the end of the log for each.
 */
import { readBlob, sha256Of } from '../learning/fold/blob';
import type { Broker } from '../ports/broker';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { WeightsPointer } from '../routing/judge/weights-source';
import type { Log } from '../telemetry/log';
import { topics } from '../topics/topics';
import { createLru } from '../weights/lru';
import { createWeightsSource } from '../weights/weights-source';
import { decoded } from './record-window';

export interface LoggedWeightsOptions {
  readonly broker: Broker;
  readonly topicPrefix: string;
  /** Hears of policies that are invalid. */
  readonly log: Log;
}

/** Decisions of one time name few versions. A blob has some hundred kilobytes. */
const maxCached = 8;

/** A loader; null where the log does not have the weights or they are invalid. A null basis is the one the policy names. */
export function createLoggedWeights(
  options: LoggedWeightsOptions,
): (pointer: WeightsPointer) => Promise<LearnedPolicy | null> {
  const blobs = createLoggedBlobs(options);
  const source = createWeightsSource(blobs, { log: options.log, capacity: maxCached });
  const basisOf = async (policySha256: string): Promise<string | null> => {
    const policy = await blobs.load(policySha256);
    if (!policy) return null;
    try {
      return (readBlob(policy, 'policy').meta as { basisSha256?: string }).basisSha256 ?? null;
    } catch {
      // Some other blob: no weights.
      return null;
    }
  };
  return async ({ policySha256, basisSha256 }) =>
    source.load({ policySha256, basisSha256: basisSha256 ?? (await basisOf(policySha256)) });
}

/** Offsets of a blob's chunks, by their index. */
type Places = Map<number, number>;

function createLoggedBlobs({ broker, topicPrefix }: LoggedWeightsOptions) {
  const of = { topic: topicPrefix + topics.weightsBlobs.name, partition: 0 };
  const cached = createLru<Buffer>(maxCached);
  let placesBySha256: Promise<Map<string, Places>> | null = null;

  const findPlaces = async (): Promise<Map<string, Places>> => {
    const found = new Map<string, Places>();
    for await (const records of broker.read(of, { from: 0, maxRecords: 10 })) {
      for (const { key, value, offset } of records) {
        const [sha256 = '', index = ''] = key?.split('/') ?? [];
        const places = found.get(sha256) ?? new Map<number, number>();
        found.set(sha256, places);
        if (value === null) places.delete(Number(index));
        else places.set(Number(index), offset);
      }
    }
    return found;
  };
  const chunkAt = async (offset: number): Promise<Buffer | null> => {
    for await (const [record] of broker.read(of, { from: offset, to: offset + 1, maxRecords: 1 })) {
      if (record) return decoded(topics.weightsBlobs.codec, record)?.bytes ?? null;
    }
    return null;
  };
  const read = async (sha256: string): Promise<Buffer | null> => {
    placesBySha256 ??= findPlaces();
    const places = (await placesBySha256).get(sha256);
    const chunks: Buffer[] = [];
    for (let index = 0; index < (places?.size ?? 0); index++) {
      const offset = places!.get(index);
      const chunk = offset === undefined ? null : await chunkAt(offset);
      if (!chunk) return null;
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    return sha256Of(bytes) === sha256 ? bytes : null;
  };
  return {
    async load(sha256: string): Promise<Buffer | null> {
      const bytes = cached.get(sha256) ?? (await read(sha256));
      if (bytes) cached.set(sha256, bytes);
      return bytes;
    },
  };
}
