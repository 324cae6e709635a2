/**
 * Today's tree against a commit: builds the commit beside it, runs the same benchmark on both in alternation, and prints for
 * every figure how many times the commit's it is. Each tree runs its own copy of the benchmark; figures are matched by name.
 *
 *     node dist/bench/against.js --ref COMMIT [--pairs 3] [--bench bench] [--bar 'inProcess.saturation>=3'] [-- options of the benchmark]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../infra/infra-file';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { buildCommit } from './built-commit';
import { type Figures, figuresOf, type Pair, pairRatios, readRatioBar } from './pair-ratios';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      ref: { type: 'string' },
      pairs: { type: 'string', default: '3' },
      bench: { type: 'string', default: 'bench' },
      bar: { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  });
  if (values.ref === undefined) throw new Error('--ref must name the commit to measure against');
  const bars = new Map(values.bar.map((text) => [readRatioBar(text).name, readRatioBar(text)]));
  const { sha, root: reference } = buildCommit(values.ref);
  const measure = (tree: string): Figures => figuresOf(runBenchmark(tree, values.bench, positionals));
  const pairs: Pair[] = [];
  for (let pair = 1; pair <= Number(values.pairs); pair++) {
    process.stderr.write(`pair ${pair} of ${values.pairs}\n`);
    // Whoever comes first meets another machine than whoever comes second, so they take turns at that, too.
    if (pair % 2 === 1) pairs.push({ ours: measure(projectRoot), reference: measure(reference) });
    else {
      const first = measure(reference);
      pairs.push({ reference: first, ours: measure(projectRoot) });
    }
  }
  for (const { name, median, unit, ...spread } of pairRatios(pairs)) {
    const details = { ...spread, of: unit, against: sha.slice(0, 10) };
    const bar = bars.get(name);
    if (bar) reportBar(name, median, 'ratio', bar.relation, bar.bar, details);
    else report(name, median, 'ratio', details);
    bars.delete(name);
  }
  for (const { name } of bars.values()) throw new Error(`no figure of both trees is named ${name}`);
}

/** What the benchmark printed. It ends with 1 when it misses bars of its own, which are not asked for here. */
function runBenchmark(tree: string, bench: string, options: readonly string[]): string {
  // Older commits keep their benchmarks elsewhere.
  const script = ['dist/bench', 'dist/benchmarks']
    .map((folder) => join(tree, folder, `${bench}.js`))
    .find((path) => existsSync(path));
  if (script === undefined) throw new Error(`${tree} has no benchmark named ${bench}`);
  const command = ['--max-semi-space-size=32', script, ...options];
  const { stdout, status, error } = spawnSync('node', command, {
    cwd: tree,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1_048_576,
  });
  if (error) throw error;
  if (stdout.trim() === '') throw new Error(`${bench} of ${tree} printed nothing and ended with status ${status}`);
  return stdout;
}

runCheck(main);
