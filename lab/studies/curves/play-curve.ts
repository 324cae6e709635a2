/** Plays one curve with every seed and says what it is about: all that its figure is made of. */
import type { KeptResults } from '../kept-results';
import type { Choices, Path } from '../quality/play';
import type { Curve, CurveSource } from './curves';
import type { About, SeedRun } from './figure-lines';
import { references } from './references';

export interface CurvePlay {
  readonly source: CurveSource;
  readonly seeds: readonly number[];
  /** Null: as the curve says. Where a curve can be played on one path only, that one. */
  readonly path: Path | null;
  /** The router's choices of earlier runs. */
  readonly kept: KeptResults<Choices>;
  readonly progress: (text: string) => void;
}

const progressRows = 1_000;

/** Throws RangeError without seeds. */
export async function playCurve(
  curve: Curve,
  { source, seeds, path: wanted, kept, progress }: CurvePlay,
): Promise<{ readonly about: About; readonly runs: readonly SeedRun[] }> {
  const path = wanted !== null && curve.eitherPath ? wanted : curve.path;
  const runs: SeedRun[] = [];
  let rows = 0;
  for (const seed of seeds) {
    const what = `${curve.name} seed ${seed} (${path})`;
    progress(what);
    const workload = await curve.workload(source, seed);
    rows = workload.rows;
    const key = [curve.name, seed, path, source.mostRows];
    let choices = kept.of(key);
    if (choices === null) {
      choices = await curve.play(workload, seed, path, (done, total) => {
        if (done % progressRows === 0) progress(`${what}: ${done}/${total}`);
      });
      kept.add(key, choices);
    }
    const { budgetUsd } = curve;
    const played = { workload, weights: curve.weights(workload), seed, budgetUsd, parts: curve.parts(rows) };
    const ids = Array.from({ length: rows }, (_, index) => workload.row(index).id);
    runs.push({ ids, results: references(played, choices) });
  }
  if (runs.length === 0) throw new RangeError(`${curve.name} needs at least one seed`);
  return { about: aboutOf(curve, path, seeds.length, rows), runs };
}

function aboutOf(curve: Curve, path: Path, seeds: number, rows: number): About {
  const { name, title, budgetUsd, columns } = curve;
  return {
    kind: 'about',
    figure: name,
    title,
    path,
    seeds,
    rows,
    budgetUsd,
    panels: curve.panels(rows),
    parts: curve.parts(rows),
    columns,
    changes: curve.changes(rows),
  };
}
