/**
 * The trainer's table of versions: what was made, and what became of it. Increments come by the thousand and are forgotten
 * but for the newest; what a person or the gate has decided about is kept.
 */
import { type Emit, emit, tombstone } from '../../lib/stream/define-service';
import type { WeightsVersion } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

/** Increments kept of each lineage: what one can go back to. */
const keptIncrements = 50;
/** Refused increments kept, of all lineages: a spoilt log can bring many. Their blobs go with them. */
const keptRefused = 20;

export interface Versions {
  get(policySha256: string): WeightsVersion | undefined;
  /** In the order of their last change. */
  all(): WeightsVersion[];
  put(version: WeightsVersion): Emit[];
  remove(policySha256: string): Emit[];
  /** Forgets what is too many: records, and which versions were refused and so never served. */
  prune(): { readonly records: Emit[]; readonly refused: readonly WeightsVersion[] };
}

export function createVersions(known: Iterable<WeightsVersion>): Versions {
  const rows = new Map<string, WeightsVersion>();
  for (const version of known) rows.set(version.weights.policySha256, version);

  const remove = (policySha256: string): Emit[] => {
    if (!rows.delete(policySha256)) return [];
    return [tombstone(topics.weightsVersions, policySha256)];
  };
  return {
    get: (policySha256) => rows.get(policySha256),
    all: () => [...rows.values()],
    put(version) {
      const { policySha256 } = version.weights;
      rows.delete(policySha256);
      rows.set(policySha256, version);
      return [emit(topics.weightsVersions, version)];
    },
    remove,
    prune() {
      const all = [...rows.values()];
      const refused = all.filter(isRefusedIncrement).slice(0, -keptRefused);
      const passed = [...byLineage(all.filter(isPassedIncrement)).values()].flatMap((of) =>
        of.slice(0, -keptIncrements),
      );
      return { refused, records: [...refused, ...passed].flatMap(({ weights }) => remove(weights.policySha256)) };
    },
  };
}

function isRefusedIncrement({ state, weights }: WeightsVersion): boolean {
  return state === 'REJECTED' && weights.reason === 'INCREMENT';
}

function isPassedIncrement({ state, weights }: WeightsVersion): boolean {
  return state === 'PUBLISHED' && weights.reason === 'INCREMENT';
}

function byLineage(versions: readonly WeightsVersion[]): Map<string, WeightsVersion[]> {
  const groups = new Map<string, WeightsVersion[]>();
  for (const version of versions) {
    const { lineage } = version.weights;
    groups.set(lineage, [...(groups.get(lineage) ?? []), version]);
  }
  return groups;
}

/** Refused by the gate, as a whole lineage: its candidate would have come into force by promotion. */
export function isRefusedCandidate({ state, weights }: WeightsVersion): boolean {
  return state === 'REJECTED' && weights.reason === 'PROMOTION';
}
