import { z } from 'zod';
import { checkValue, formatPath, maxIssues } from '../../../lib/config/describe-issues';

const schema = z.strictObject({
  features: z.array(z.number()).max(20_000).optional(),
  turns: z.array(z.strictObject({ role: z.enum(['a', 'b']), parts: z.array(z.string()).max(3) })).optional(),
  parts: z.record(z.string(), z.number()).optional(),
  text: z.union([z.string(), z.array(z.strictObject({ type: z.string() })), z.null()]).optional(),
});
const refused = (value: unknown) => {
  const checked = checkValue(schema, value);
  if (checked.ok) throw new Error('it was accepted');
  return { fields: checked.issues.map((issue) => formatPath(issue.path)), ...checked };
};

test('no more faults are collected than anybody reads, and it says that there may be more', () => {
  const few = refused({ features: ['x', 'y'] });
  expect([few.fields, few.stopped]).toEqual([['features.0', 'features.1'], false]);
  for (const value of [
    { features: Array(10_000).fill('x') },
    { features: Array(30).fill('x') },
    { turns: Array(1_000).fill({ role: 'c', parts: [] }) },
    { parts: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`p${i}`, 'x'])) },
    Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`unknown${i}`, 1])),
  ]) {
    const { issues, stopped } = refused(value);
    expect([issues.length, stopped]).toEqual([maxIssues, true]);
  }
});

test('of two bounds that a number is beyond, the narrower one is told, wherever the number stands', () => {
  const count = z.int().min(1).max(128);
  const numbers = z.strictObject({ n: count, list: z.array(count), either: z.union([z.string(), z.array(count)]) });
  const good = { n: 1, list: [1], either: 'x' };
  const long = Array<number>(100).fill(1);
  for (const [value, field] of [
    [{ ...good, n: 1e308 }, 'n'],
    [{ ...good, list: [1e308] }, 'list.0'],
    [{ ...good, list: [...long, 1e308] }, 'list.100'],
    [{ ...good, either: [1e308] }, 'either.0'],
  ] as const) {
    expect(checkValue(numbers, value)).toMatchObject({
      issues: [{ path: field.split('.').map((part) => (/^\d/.test(part) ? Number(part) : part)) }],
    });
    const checked = checkValue(numbers, value);
    expect(checked).toMatchObject({ issues: [{ message: 'must be at most 128, not 1e+308' }] });
  }
  expect(checkValue(numbers, { ...good, n: -1e308 })).toMatchObject({
    issues: [{ message: 'must be at least 1, not -1e+308' }],
  });
});

test('a fault far behind in a long list is found at its place', () => {
  const features = Array(5_000).fill(1);
  features[4_321] = 'x';
  expect(refused({ features })).toMatchObject({ fields: ['features.4321'], stopped: false });
});

test('a list that is too long is refused before its elements are looked at, wherever it is', () => {
  const features = Array(20_001).fill('x');
  expect(refused({ features }).issues).toEqual([
    { path: ['features'], at: 'value', message: 'must be a list of at most 20000, not of 20001' },
  ]);
  expect(refused({ turns: [{ role: 'a', parts: Array(4).fill(1) }] }).fields).toEqual(['turns.0.parts']);
});

test('an object with a length that cannot be compared is of the wrong type, and nothing worse', () => {
  const hostile = JSON.parse('{ "length": { "toString": 1, "valueOf": 1 } }') as object;
  const bare = { length: Object.create(null) as object };
  for (const value of [hostile, bare]) {
    expect(refused({ features: value }).fields).toEqual(['features']);
    expect(refused({ turns: [{ role: 'a', parts: value }] }).fields).toEqual(['turns.0.parts']);
    expect(refused({ text: value }).fields).toEqual(['text']);
  }
});

test('of several shapes, the one that was meant is spoken of', () => {
  expect(refused({ text: 1 }).issues[0]?.message).toBe('must be a string, a list or null, not 1');
  expect(refused({ text: [{ type: 1 }] })).toMatchObject({ fields: ['text.0.type'] });
});

test('names of any length and any meaning are shown short', () => {
  const { fields, issues } = refused({ ['k'.repeat(100_000)]: 1, constructor: 1 });
  expect(fields[0]).toHaveLength(65);
  expect(issues[0]?.message).toBe('unknown field text of 100000 characters');
  expect(issues[1]?.message).toMatch(/^unknown field "constructor"/);
});
