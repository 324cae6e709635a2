/** How long what a killed process owned stands still: from the kill to the first decision that somebody else, or its successor, makes there. */
import type { FirstDecision } from './audit';
import type { Cluster } from './cluster';

/** A kill, and the partitions of which the process decided the requests. */
export interface Kill {
  readonly instanceId: string;
  /** Wall clock. */
  readonly killedAtMs: number;
  readonly partitions: readonly number[];
}

interface StageStatus {
  readonly group: string;
  readonly partitions: readonly number[];
}

/** The partitions whose requests a process decides now; none where it does not say. */
export async function partitionsDecidedBy(cluster: Cluster, instanceId: string): Promise<readonly number[]> {
  const url = cluster.processes.url(instanceId);
  if (url === null) return [];
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    const { services } = (await response.json()) as { readonly services: readonly StageStatus[] };
    return services.find(({ group }) => group === 'route-collapse')?.partitions ?? [];
  } catch {
    return [];
  }
}

/** Milliseconds, one for each kill and partition, ascending. A partition in which nothing was decided afterwards counts as never. */
export function takeoversMs(
  kills: readonly Kill[],
  decisions: Iterable<Pick<FirstDecision, 'partition' | 'decidedAtMs'>>,
): number[] {
  const decidedAtMs = new Map<number, number[]>();
  for (const { partition, decidedAtMs: atMs } of decisions) {
    const times = decidedAtMs.get(partition) ?? [];
    times.push(atMs);
    decidedAtMs.set(partition, times);
  }
  for (const times of decidedAtMs.values()) times.sort((a, b) => a - b);
  const all = kills.flatMap(({ killedAtMs, partitions }) =>
    partitions.map((partition) => {
      const first = decidedAtMs.get(partition)?.find((atMs) => atMs > killedAtMs);
      return first === undefined ? Number.POSITIVE_INFINITY : first - killedAtMs;
    }),
  );
  return all.sort((a, b) => a - b);
}

/** The value that a share of `ascending` does not exceed; 0 of nothing. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? 0;
}
