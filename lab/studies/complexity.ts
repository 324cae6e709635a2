/**
 * How well the complexity of a request agrees with what recorded models found difficult, beside the length of its text alone,
 * JSON lines: `node dist/lab/studies/complexity.js [--data ../shared/data] [--resamples 400]`.
 *
 * A row's measured difficulty is what its models left open: 1 - their mean score. The weights were set on `ulab9`; the other data
 * sets were held out.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rounded } from '../../lib/figures/figures';
import { bytesOf, encodeText } from '../../lib/learning/features/encode';
import { seededRandom } from '../../lib/random/seeded';
import { complexityOf, complexityParts } from '../../lib/routing/open/complexity';
import { estimateTokens } from '../../lib/routing/open/request-text';
import type { Complexity } from '../../lib/topics/generated/messages';
import { compareRankCorrelations, rankCorrelation } from '../report/rank-correlation';
import { report, reportBar, runCheck } from '../report/report-line';
import { incompleteModels } from '../workloads/incomplete-models';
import { readRecordedData } from '../workloads/recorded-data';
import type { WorkloadRow } from '../workloads/workload';

const dataSets = [
  { name: 'ulab9', isHeldOut: false },
  { name: 'paretobandit-val', isHeldOut: true },
  { name: 'routerarena2', isHeldOut: true },
];
/** Significant digits of the figures beside a figure. */
const digits = 3;

async function measure({ name, isHeldOut }: (typeof dataSets)[number], path: string, resamples: number) {
  const data = await readRecordedData(path, { excludeModels: incompleteModels(name) });
  const rows = Array.from({ length: data.rows }, (_, i) => data.row(i)).filter(({ prompt }) => prompt !== null);
  const difficulty = rows.map(difficultyOf);
  const known = rows.map(({ prompt }) => complexityOfText(prompt!));
  const compared = compareRankCorrelations(
    known.map(({ value }) => value),
    rows.map(({ prompt }) => prompt!.length),
    difficulty,
    { resamples, random: seededRandom(1, 'complexity', name) },
  );
  const heldOut = { heldOut: isHeldOut, rows: rows.length };
  report(`complexity.${name}.length-alone`, compared.b.value, 'rank correlation', { ...ends(compared.b), ...heldOut });
  report(`complexity.${name}`, compared.a.value, 'rank correlation', { ...ends(compared.a), ...heldOut });
  reportBar(`complexity.${name}.above-length`, compared.difference.low, 'rank correlation', '>=', 0, {
    difference: rounded(compared.difference.value, digits),
    high: rounded(compared.difference.high, digits),
    end: 'low end of the 95 % interval',
    ...heldOut,
  });
  for (const part of complexityParts) {
    const values = known.map((complexity) => complexity[part]);
    if (new Set(values).size > 1)
      report(`complexity.${name}.part.${part}`, rankCorrelation(values, difficulty), 'rank correlation', heldOut);
  }
}

function complexityOfText(text: string): Complexity {
  return complexityOf({
    handFeatures: bytesOf(encodeText(text).handFeatures),
    promptTokens: estimateTokens(Buffer.byteLength(text)),
    messages: [],
    holds: null,
    requiredCapabilities: [],
  })!;
}

function difficultyOf({ outcomes }: WorkloadRow): number {
  const scores = [...outcomes.values()].flatMap((outcome) => (outcome === null ? [] : [outcome.score]));
  return 1 - scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function ends({ low, high }: { readonly low: number; readonly high: number }) {
  return { low: rounded(low, digits), high: rounded(high, digits) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: '../shared/data' }, resamples: { type: 'string', default: '400' } },
  });
  const resamples = Number(values.resamples);
  if (!Number.isInteger(resamples) || resamples < 40)
    throw new Error('--resamples must be a whole number of at least 40');
  for (const dataSet of dataSets) {
    const path = join(values.data, `${dataSet.name}.jsonl.gz`);
    if (existsSync(path)) await measure(dataSet, path, resamples);
    else process.stderr.write(`${path} is not there: what is hard in it is left out\n`);
  }
}

runCheck(main);
