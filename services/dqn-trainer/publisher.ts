/**
 * From what the fold puts out to what the engine sees: blobs, then the pointer to them, then the tuning, each under a
 * growing number. A restart folds again what was published before; only news goes out.
 */
import { type Emit, emit } from '../../lib/runtime/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Tuning, WeightsPublished } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { BlobStore } from '../../lib/weights/blob-store';
import type { FoldOutput } from './fold';

type PolicyOutput = Extract<FoldOutput, { kind: 'policy' }>;

export interface PublisherOptions {
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What is in force, as read at the start. */
  readonly weights: WeightsPublished | null;
  readonly tuning: Tuning | null;
  /**
   * For a new lineage, which folds the whole log again: the end of the log at the start. Nothing is published before it
   * is reached, then the newest policy and tuning. Null: the lineage in force goes on, and what is in force is not repeated.
   */
  readonly newLineageAtOffset: number | null;
}

export interface Publisher {
  /** The records of some outputs. `upToOffset` is one past the last event of their batch. */
  publish(outputs: readonly FoldOutput[], upToOffset: number, nowMs: number): Promise<Emit[]>;
  /** Hashes that readers may still ask for, newest last. */
  sharedSha256s(): readonly string[];
}

/** Policies and bases kept in the key-value store; decisions in flight may still name older ones, which come from the log. */
const keptShared = 16;

export function createPublisher(options: PublisherOptions): Publisher {
  const { blobs, log, metrics, weights, tuning, newLineageAtOffset } = options;
  const policyNewsAfter = newLineageAtOffset ?? weights?.toOffset ?? 0;
  const tuningNewsAfter = newLineageAtOffset ?? tuning?.eventOffset ?? 0;
  let sequence = weights?.sequence ?? 0;
  let version = tuning?.version ?? 0;
  let heldPolicy: PolicyOutput | null = null;
  let heldTuning: Tuning | null = null;
  let arrived = newLineageAtOffset === null;
  let shared = weights ? [weights.basisSha256, weights.policySha256] : [];
  const written = new Set<string>();

  const touch = (sha256: string): void => {
    shared = [...shared.filter((one) => one !== sha256), sha256].slice(-keptShared);
  };
  const putBlob = async (sha256: string, bytes: Buffer, kind: 'policy' | 'basis'): Promise<Emit[]> => {
    touch(sha256);
    if (written.has(sha256)) return [];
    written.add(sha256);
    metrics.count('quantum_router_weights_published_total', { kind });
    await blobs.share(sha256, bytes);
    return blobs.putToRecords(sha256, bytes);
  };
  const policyRecords = async ({ policy, policySha256, published }: PolicyOutput, nowMs: number): Promise<Emit[]> => {
    const records = await putBlob(policySha256, policy, 'policy');
    touch(published.basisSha256);
    const pointer: WeightsPublished = {
      ...published,
      lineage: '',
      reason: sequence === 0 ? 'FIRST' : 'INCREMENT',
      sequence: ++sequence,
      publishedAtMs: nowMs,
    };
    return [...records, emit(topics.weightsPublished, pointer)];
  };
  const tuningRecord = (tuning: Tuning): Emit => {
    metrics.count('quantum_router_weights_published_total', { kind: 'tuning' });
    return emit(topics.tuning, { ...tuning, version: ++version });
  };
  const accepted = ({ rejected, policySha256, published }: PolicyOutput): boolean => {
    if (rejected === null) {
      metrics.set('quantum_router_training_loss', {}, published.metrics['loss'] ?? 0);
      return true;
    }
    metrics.count('quantum_router_weights_rejected_total', {});
    log.error('a policy was rejected; the one before it stays in force', { policySha256, rejected });
    return false;
  };

  /** What was held back while a new lineage caught up, unless the same batch brought something newer. */
  const arrivalRecords = async (records: readonly Emit[], nowMs: number): Promise<Emit[]> => {
    const newer = new Set(records.map(({ topic }) => topic.name));
    const late: Emit[] = [];
    if (heldPolicy && !newer.has(topics.weightsPublished.name)) late.push(...(await policyRecords(heldPolicy, nowMs)));
    if (heldTuning && !newer.has(topics.tuning.name)) late.push(tuningRecord(heldTuning));
    heldPolicy = null;
    heldTuning = null;
    return late;
  };

  return {
    async publish(outputs, upToOffset, nowMs) {
      const records: Emit[] = [];
      for (const output of outputs) {
        if (output.kind === 'tuning') {
          if (output.tuning.eventOffset > tuningNewsAfter) records.push(tuningRecord(output.tuning));
          else if (!arrived) heldTuning = output.tuning;
          continue;
        }
        // A basis comes once, with the first policy that needs it; a rejected or held-back policy must not take it along.
        if (output.basis) records.push(...(await putBlob(output.basisSha256, output.basis, 'basis')));
        if (!accepted(output)) continue;
        if (output.published.toOffset > policyNewsAfter) records.push(...(await policyRecords(output, nowMs)));
        else if (!arrived) heldPolicy = output;
      }
      if (arrived || upToOffset < newLineageAtOffset!) return records;
      arrived = true;
      return [...records, ...(await arrivalRecords(records, nowMs))];
    },
    sharedSha256s: () => shared,
  };
}
