import type { WeightsCommand } from '../../../lib/topics/generated/messages';
import { type CommandWorld, planOf } from '../../../services/dqn-trainer/plan-command';
import { versionOf } from './versions-table';

const old = versionOf('aaaa1', { weights: { sequence: 3, toOffset: 30 } });
const current = versionOf('aaaa2', { weights: { sequence: 4, toOffset: 40, publishedAtMs: 100 } });
const elsewhere = versionOf('bbbb1', { weights: { sequence: 1, lineage: 'there' } });
const waiting = versionOf('cccc1', { state: 'CANDIDATE', weights: { toOffset: 60 } });
const foreign = versionOf('dddd1', { weights: { sequence: 2, encoderVersion: 'old' } });

const plan = (command: Partial<WeightsCommand>, world: Partial<CommandWorld> = {}) =>
  planOf(
    {
      commandId: 'c',
      kind: 'ROLLBACK',
      policySha256: null,
      force: false,
      requestedBy: 'me',
      requestedAtMs: 200,
      ...command,
    },
    {
      inForce: current.weights,
      versions: [old, current, elsewhere, waiting, foreign],
      candidate: null,
      isCatchingUp: false,
      lineage: 'here',
      encoderVersion: 'sketch',
      ...world,
    },
  );
const promote = (policySha256: string | null, world: Partial<CommandWorld> = {}) =>
  plan({ kind: 'PROMOTE', policySha256 }, world);

test('a rollback without a name goes to the highest number below', () => {
  expect(plan({})).toEqual({ kind: 'rollback', version: old });
  expect(plan({}, { versions: [current, waiting] })).toMatchObject({
    kind: 'refuse',
    why: 'no earlier weights are known',
  });
});

test('a rollback may go to another lineage, but not to what was never in force or cannot serve', () => {
  expect(plan({ policySha256: 'bbbb' })).toEqual({ kind: 'rollback', version: elsewhere });
  expect(plan({ policySha256: 'cccc' })).toMatchObject({
    kind: 'refuse',
    why: expect.stringMatching(/never in force \(CANDIDATE\)/),
  });
  expect(plan({ policySha256: 'dddd' })).toMatchObject({
    kind: 'refuse',
    why: expect.stringMatching(/made for encoder old/),
  });
  expect(plan({ policySha256: 'aaaa' })).toMatchObject({
    kind: 'refuse',
    why: expect.stringMatching(/2 versions begin with aaaa/),
  });
});

test('a rollback that was carried out and is delivered again is done', () => {
  const inForce = { ...current.weights, reason: 'ROLLBACK' as const };
  expect(plan({ requestedAtMs: 50 }, { inForce })).toMatchObject({ kind: 'done' });
  expect(plan({ requestedAtMs: 150 }, { inForce })).toMatchObject({ kind: 'rollback' });
  expect(plan({ requestedAtMs: 50, policySha256: 'bbbb' }, { inForce })).toMatchObject({ kind: 'rollback' });
});

test('a promotion takes the candidate, or a version of the lineage that is ahead of what is in force', () => {
  expect(promote(null, { candidate: waiting })).toEqual({ kind: 'promote', version: waiting });
  expect(promote('cccc')).toEqual({ kind: 'promote', version: waiting });
  const wentBack = { ...current.weights, reason: 'ROLLBACK' as const };
  expect(promote('aaaa1', { inForce: wentBack })).toEqual({ kind: 'promote', version: old });
});

test.each<[string | null, Partial<CommandWorld>, RegExp]>([
  [null, {}, /nothing waits/],
  [null, { isCatchingUp: true }, /still being folded/],
  [null, { inForce: null }, /no weights are in force yet/],
  ['aaaa1', {}, /newer weights of its lineage are in force/],
  ['aaaa2', {}, /in force already/],
  ['bbbb', {}, /of lineage there, and the trainer goes on with here/],
  ['eeee', {}, /no version begins/],
])('a promotion of %s is refused: %#', (policySha256, world, why) => {
  expect(promote(policySha256, world)).toMatchObject({ kind: 'refuse', why: expect.stringMatching(why) });
});
