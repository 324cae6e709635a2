import { gate } from '../../../../lib/learning/ope/gate';
import { prepareLog } from '../../../../lib/learning/ope/prepared-log';
import { seededRandom } from '../../../../lib/random/seeded';
import { toyLog } from './toy-log';

const logging = (context: number) => (context === 0 ? [0.8, 0.2] : [0.7, 0.3]);
const log = prepareLog(
  toyLog({ rows: 3_000, logging, means: (context) => (context === 0 ? [0.4, 0.7] : [0.8, 0.3]) }, seededRandom(1)),
);
const current = ({ propensities }: { propensities: readonly number[] }) => propensities;
const better = ({ features }: { features: Float32Array }) => (features[0] === 0 ? [0.1, 0.9] : [0.9, 0.1]);
const worse = ({ features }: { features: Float32Array }) => (features[0] === 0 ? [0.9, 0.1] : [0.1, 0.9]);

test('better is promoted, worse is not, with plain evidence', () => {
  const promoted = gate(log, better, current);
  expect(promoted.verdict).toBe('promote');
  expect(promoted.evidence!.dr.low).toBeGreaterThan(0);
  expect(promoted.reason).toMatch(/candidate - current = \+0\.\d{4} \(\+0\.\d{4} … \+0\.\d{4}\): not worse/);
  expect(JSON.parse(JSON.stringify(promoted))).toEqual(promoted);
  expect(gate(log, worse, current)).toMatchObject({ verdict: 'keep', reason: expect.stringMatching(/: worse$/) });
});

test('the policy in force may follow itself; unsure is not enough', () => {
  expect(gate(log, current, current).verdict).toBe('promote');
  const few = prepareLog(log.decisions.slice(0, 60));
  const slightly = () => [0.5, 0.5];
  expect(gate(few, slightly, current)).toMatchObject({
    verdict: 'keep',
    reason: expect.stringMatching(/may be worse by more than 0.01/),
  });
  expect(gate(few, slightly, current, { margin: 1 }).verdict).toBe('promote');
});

test('what the log cannot tell is refused, naming whom', () => {
  const narrow = prepareLog(log.decisions.map((one) => ({ ...one, chosen: 0, propensities: [1, 0] })));
  expect(gate(narrow, better, current)).toMatchObject({
    verdict: 'refuse',
    evidence: null,
    reason: expect.stringMatching(/^candidate: /),
  });
  expect(gate(narrow, current, better).reason).toMatch(/^current policy: /);
  expect(gate(log, better, current, { limits: { leastSampleSize: 1e6 } }).verdict).toBe('refuse');
});

test('a negative margin is a mistake', () => {
  expect(() => gate(log, better, current, { margin: -0.1 })).toThrow(RangeError);
});
