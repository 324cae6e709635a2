import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import { lineageIdOf } from '../../../services/dqn-trainer/lineage';
import { type ModeAtStart, modeAtStart } from '../../../services/dqn-trainer/mode';
import { type VersionChange, versionOf } from './versions-table';

const settings = foldSettingsOf(defaultRouterConfig([{ name: 'any', provider: 'any' }]), 'wasm');
const lineage = lineageIdOf(settings);
const { encoderVersion } = settings;

const inForce = (change: VersionChange['weights'] = {}) =>
  versionOf('current', { weights: { lineage, encoderVersion, sequence: 5, publishedAtMs: 100, ...change } }).weights;
const mode = (change: Partial<ModeAtStart>) =>
  modeAtStart({
    weights: inForce(),
    versions: [],
    settings,
    isRefold: false,
    isOtherLog: false,
    earliest: 0,
    end: 50,
    ...change,
  });

const increments = { kind: 'increments' };
const held = (automatic: boolean) => ({ kind: 'held', automatic });
const catchingUp = (afterwards: unknown) => ({ kind: 'catchingUp', untilOffset: 50, afterwards });
const other = inForce({ lineage: 'other' });
const ownVersion = (change: VersionChange) => versionOf('own', { ...change, weights: { lineage, ...change.weights } });

test('a lineage that goes on publishes as it learns; folded again, once it has caught up', () => {
  expect(mode({ weights: null })).toEqual(increments);
  expect(mode({})).toEqual(increments);
  expect(mode({ isRefold: true })).toEqual(catchingUp('publish'));
  expect(mode({ weights: null, isRefold: true })).toEqual(catchingUp('publish'));
});

test('weights from before lineages had names are known by what they were made with', () => {
  expect(mode({ weights: inForce({ lineage: '', seed: settings.seed }) })).toEqual(increments);
  expect(mode({ weights: inForce({ lineage: '', seed: 9 }), isRefold: true })).toEqual(catchingUp(held(true)));
});

test('a new lineage catches up, then its candidate is on trial', () => {
  expect(mode({ weights: other, isRefold: true })).toEqual(catchingUp(held(true)));
  // Started again in the middle of it.
  expect(mode({ weights: other })).toEqual(catchingUp(held(true)));
  expect(mode({ weights: other, versions: [ownVersion({ state: 'CANDIDATE' })] })).toEqual(held(true));
});

test('from a log whose beginning is gone the same settings make a new lineage', () => {
  expect(mode({ isRefold: true, earliest: 10 })).toEqual(catchingUp(held(true)));
  expect(mode({ isRefold: true, earliest: 10, weights: inForce({ fromOffset: 10 }) })).toEqual(catchingUp('publish'));
});

test('from another log than that of the weights in force, what is learned has to prove itself', () => {
  expect(mode({ isRefold: true, isOtherLog: true })).toEqual(catchingUp(held(true)));
});

test('what cannot serve today protects nothing', () => {
  expect(mode({ weights: inForce({ encoderVersion: 'old', lineage: 'old' }) })).toEqual(catchingUp('publish'));
});

test('after a rollback or a refusal only a person goes on', () => {
  const wentBack = inForce({ reason: 'ROLLBACK' });
  expect(mode({ weights: wentBack, versions: [ownVersion({ state: 'ROLLED_BACK' })] })).toEqual(held(false));
  expect(mode({ weights: wentBack })).toEqual(catchingUp(held(false)));
  const refused = ownVersion({ state: 'REJECTED', changedAtMs: 200, weights: { reason: 'PROMOTION' } });
  expect(mode({ weights: other, versions: [refused] })).toEqual(held(false));
  // Refused before what is in force came: another time.
  expect(mode({ weights: other, versions: [{ ...refused, changedAtMs: 50 }] })).toEqual(catchingUp(held(true)));
});

test('a lineage is what weights are a function of besides the log', () => {
  const with_ = (change: Partial<typeof settings>) => lineageIdOf({ ...settings, ...change });
  expect(with_({ budgetUsdPerRequest: 1, explorationFloor: 0.5 })).toBe(lineage);
  const others = [
    with_({ seed: 2 }),
    with_({ encoderVersion: 'other' }),
    with_({ algorithm: 99 }),
    with_({ learning: { ...settings.learning, pipeline: 'dqn' } }),
    with_({ learning: { ...settings.learning, backend: 'node' } }),
  ];
  expect(new Set([lineage, ...others]).size).toBe(6);
});
