/**
 * Where a viewer stands in the log: the next offset of every partition that it has been told of. It travels as the id of
 * an event, so whoever comes again with the last id that it saw goes on from there, at any gateway.
 */
const maxPartitions = 1_024;

/** Next offset by place, such as `d3`: a letter for the topic and the partition. */
export type Positions = Map<string, number>;

const entryPattern = /^([a-z]\d{1,4})\.(\d{1,15})$/;

export function writePositions(positions: ReadonlyMap<string, number>): string {
  return [...positions].map(([place, next]) => `${place}.${next}`).join('_');
}

/** Null for a text that is none. */
export function readPositions(text: string): Positions | null {
  const positions: Positions = new Map();
  const entries = text === '' ? [] : text.split('_', maxPartitions + 1);
  if (entries.length > maxPartitions) return null;
  for (const entry of entries) {
    const [, place, next] = entryPattern.exec(entry) ?? [];
    if (place === undefined || next === undefined) return null;
    positions.set(place, Number(next));
  }
  return positions;
}
