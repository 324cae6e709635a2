import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { bestSingle, oracle, outcomeMatrix, uniformRandom } from '../../../lab/policies/baselines';
import {
  assumedLatencyMs,
  indicesOfSplit,
  parseRecordedRow,
  RecordedDataError,
  readRecordedData,
  recordedData,
} from '../../../lab/workloads/recorded-data';
import { candidatesOf, deniedModelsOf } from '../../../lab/workloads/workload';
import { utilityWeights } from '../../../lib/routing/judge/utility';

const folder = mkdtempSync(join(tmpdir(), 'recorded-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

const good = {
  id: 'a',
  dataset: 'mmlu',
  split: 'train',
  prompt: 'Größe? 合同',
  outcomes: {
    'acme/one-7b': { score: 0.5, cost: 0.002, inputTokens: 10, outputTokens: 30 },
    'two-70b': { score: null, cost: null },
    '9x': { score: 1, cost: null },
  },
};
const line = (changes: object) => JSON.stringify({ ...good, ...changes });

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('reads plain and gzipped files, with and without a last newline', async () => {
  const text = `${line({})}\n\n${line({ id: 'b', split: 'test' })}`;
  const plain = await readRecordedData(write('plain.jsonl', `${text}\n`));
  const zipped = await readRecordedData(write('zipped.jsonl.gz', gzipSync(text)));
  expect(zipped.rows).toBe(2);
  expect(zipped).toMatchObject({ name: 'zipped', simulated: false, rowsLeftOut: 0, events: [], utility: null });
  expect([0, 1].map((i) => zipped.row(i))).toEqual([0, 1].map((i) => plain.row(i)));
  expect(plain.row(0)).toMatchObject({ id: 'a', split: 'train', group: 'mmlu', prompt: 'Größe? 合同', taskHint: null });
  expect(() => plain.row(2)).toThrow(RangeError);
});

test('multi-byte characters across chunk borders survive', async () => {
  const prompt = '合'.repeat(100_000);
  const data = await readRecordedData(write('wide.jsonl', line({ prompt: `x${prompt}` })));
  expect(data.row(0).prompt).toBe(`x${prompt}`);
});

test('a null score is no candidate, a null cost is only unknown', () => {
  const data = recordedData('toy', [parseRecordedRow(line({}), 1)]);
  const row = data.row(0);
  expect(candidatesOf(data, row)).toEqual(['acme/one-7b', '9x']);
  expect(deniedModelsOf(data, row)).toEqual(['two-70b']);
  expect(row.outcomes.get('9x')).toEqual({
    score: 1,
    costUsd: null,
    latencyMs: assumedLatencyMs,
    status: 'SUCCESS',
    inputTokens: null,
    outputTokens: null,
  });
});

test('models are configured from what their names say', () => {
  const { models } = recordedData('toy', [parseRecordedRow(line({}), 1)]);
  expect(models.map((m) => [m.name, m.provider])).toEqual([
    ['acme/one-7b', 'acme'],
    ['two-70b', 'two'],
    ['9x', '9x'],
  ]);
  expect(models[0]).toMatchObject({
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 },
    expectedLatencyMs: assumedLatencyMs,
    expectedOutputTokens: 30,
  });
});

test('latency in the data is used', () => {
  const outcomes = { m: { score: 1, cost: 0, latencyMs: 250 } };
  const data = recordedData('toy', [parseRecordedRow(line({ outcomes }), 1)]);
  expect(data.models[0]!.expectedLatencyMs).toBe(250);
  expect(data.row(0).outcomes.get('m')!.latencyMs).toBe(250);
});

test('models can be left out, and rows that had no other', () => {
  const only = parseRecordedRow(line({ id: 'b', outcomes: { '9x': { score: 1, cost: 1 } } }), 2);
  const data = recordedData('toy', [parseRecordedRow(line({}), 1), only], { excludeModels: ['9x'] });
  expect(data.models.map((m) => m.name)).toEqual(['acme/one-7b', 'two-70b']);
  expect(data).toMatchObject({ rows: 1, rowsLeftOut: 1 });
  expect(() => recordedData('toy', [only], { excludeModels: ['zzz'] })).toThrow('cannot exclude zzz: the data has 9x');
});

test.each([
  ['{', 'line 7: row: not JSON'],
  ['[]', 'line 7: row: must be a JSON object'],
  [line({ id: undefined }), 'line 7: id: must be a non-empty string'],
  [line({ id: 5 }), 'line 7: id: must be a string'],
  [line({ split: 1 }), 'line 7: split: must be a string'],
  [line({ prompt: undefined }), 'line 7: prompt: exactly one of prompt and features'],
  [line({ features: [1] }), 'line 7: prompt: exactly one of prompt and features'],
  [line({ prompt: null, features: [] }), 'line 7: features: must be a non-empty array'],
  [line({ prompt: null, features: [1, 'x'] }), 'line 7: features[1]: must be a finite number'],
  [line({ outcomes: {} }), 'line 7: outcomes: must be an object with at least one model'],
  [line({ outcomes: { m: 3 } }), 'line 7: outcomes.m: must be an object'],
  [line({ outcomes: { m: { score: 1.5 } } }), 'line 7: outcomes.m.score: must be 0..1 or null, not 1.5'],
  [line({ outcomes: { m: { score: -0.5 } } }), 'line 7: outcomes.m.score: must be 0..1'],
  [line({ outcomes: { m: { score: 'good' } } }), 'line 7: outcomes.m.score: must be 0..1 or null, not "good"'],
  [line({ outcomes: { m: { score: 1, cost: -1 } } }), 'line 7: outcomes.m.cost: must be a number of at least 0'],
  ['{"id":"a","prompt":"p","outcomes":{"m":{"score":1},"m":{"score":0}}}', 'line 7: outcomes.m: is given twice'],
  ['{"id":"a","prompt":"p","outcomes":{"m":{"score":1,"cost":1e400}}}', 'line 7: outcomes.m.cost: 1e400 is too large'],
])('a bad row is refused by line and field: %s', (text, message) => {
  expect(() => parseRecordedRow(text, 7)).toThrow(message);
  expect(() => parseRecordedRow(text, 7)).toThrow(RecordedDataError);
});

test('a score a little outside its range is moved to the bound', () => {
  const outcomes = { low: { score: -0.033, cost: 0 }, high: { score: 1.05, cost: 0 } };
  const row = parseRecordedRow(line({ outcomes }), 1);
  expect([...row.outcomes.values()].map((o) => o!.score)).toEqual([0, 1]);
});

test('a file is refused as a whole when it cannot be one workload', async () => {
  const features = (id: string, values: number[]) => line({ id, prompt: null, features: values });
  const cases: [string, string | Buffer, RegExp][] = [
    ['empty.jsonl', '', /there is no row with a measured model in it/],
    ['twice.jsonl', `${line({})}\n${line({})}`, /id a is given twice/],
    ['lengths.jsonl', `${features('a', [1, 2])}\n${features('b', [1])}`, /row b must have 2 features/],
    ['mixed.jsonl', `${line({})}\n${features('b', [1])}`, /row b must have a prompt/],
    ['late.jsonl', `${line({})}\n\nnonsense`, /line 3: row: not JSON/],
    ['latin1.jsonl', Buffer.from(line({ prompt: 'café' }), 'latin1'), /line 1: row: the line is not UTF-8 text/],
    ['endless.jsonl.gz', gzipSync(Buffer.alloc(20_000_000)), /line 1: row: the line is longer than 4194304 bytes/],
    ['cut.jsonl.gz', gzipSync(line({})).subarray(0, 40), /not a complete gzip file/],
    ['not.jsonl.gz', 'plain text', /not a complete gzip file/],
  ];
  for (const [name, content, message] of cases)
    await expect(readRecordedData(write(name, content))).rejects.toThrow(message);
  await expect(readRecordedData(join(folder, 'missing.jsonl'))).rejects.toThrow(/ENOENT/);
  await expect(readRecordedData(join(folder, 'missing.jsonl.gz'))).rejects.toThrow(/ENOENT/);
});

test('splits are found by name', () => {
  const rows = [line({}), line({ id: 'b', split: 'test' }), line({ id: 'c' })].map((l, i) =>
    parseRecordedRow(l, i + 1),
  );
  const data = recordedData('toy', rows);
  expect(indicesOfSplit(data, 'train')).toEqual([0, 2]);
  expect(() => indicesOfSplit(data, 'dev')).toThrow('toy has no split "dev"; it has train, test');
  const none = recordedData('toy', [parseRecordedRow(line({ split: undefined }), 1)]);
  expect(() => indicesOfSplit(none, 'dev')).toThrow('it has none');
});

test('law: what JSON can say is either a row or a RecordedDataError', () => {
  fc.assert(
    fc.property(fc.json(), fc.dictionary(fc.string(), fc.jsonValue()), (text, extra) => {
      for (const candidate of [text, JSON.stringify({ ...good, ...extra }), line({ outcomes: extra })]) {
        try {
          parseRecordedRow(candidate, 1);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordedDataError);
        }
      }
    }),
  );
});

// Real data, where it is at hand. Figures from its own description.
const shared = process.env['QR_DATA'] ?? join(__dirname, '../../../../shared/data');
const weights = utilityWeights({ quality: 1, cost: 0, latency: 0 }, { costUsd: 1, latencyMs: 1 }, 0);
const present = existsSync(shared);
if (!present) process.stderr.write(`skipping tests on recorded data: ${shared} is not there (set QR_DATA)\n`);

(present ? describe : describe.skip)('on the recorded data', () => {
  test('ulab9 gives the published random, best single and oracle', async () => {
    const data = await readRecordedData(join(shared, 'ulab9.jsonl.gz'));
    const matrix = outcomeMatrix(data, weights, indicesOfSplit(data, 'test'));
    expect(data.rows).toBe(5_989);
    expect(matrix.rows).toBe(381);
    expect(uniformRandom(matrix).meanScore).toBeCloseTo(0.4012, 4);
    expect(bestSingle(matrix).meanScore).toBeCloseTo(0.5966, 4);
    expect(oracle(matrix).meanScore).toBeCloseTo(0.7498, 4);
  });

  test('paretobandit-val without flash, and routerarena2', async () => {
    const excludeModels = ['google/gemini-2.5-flash'];
    const pareto = await readRecordedData(join(shared, 'paretobandit-val.jsonl.gz'), { excludeModels });
    expect([pareto.rows, pareto.models.length, pareto.rowsLeftOut]).toEqual([1_785, 3, 0]);
    expect(uniformRandom(outcomeMatrix(pareto, weights)).meanScore).toBeCloseTo(0.88, 2);
    const arena = await readRecordedData(join(shared, 'routerarena2.jsonl.gz'));
    expect([arena.rows, arena.models.map((m) => m.provider)]).toEqual([809, ['claude', 'gemini']]);
  });
});
