/** A world in which what a request wishes for decides: of two models one is better everywhere, and dear for half of all requests. */
import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { callerFields, eventOf } from './toy-world';

export const wishModels = ['thorough', 'plain'];
/** What an answer costs, in USD: the thorough one is dear where x is positive, and as cheap as the plain one elsewhere. */
export const wishCostUsd = (model: string, x: number): number => (model === 'thorough' && x > 0 ? 0.003 : 0.001);
/** It is also better everywhere, and both are better where x is negative: context matters to quality as well as to cost. */
const quality = (model: string, x: number): number =>
  model === 'thorough' ? (x > 0 ? 0.75 : 0.95) : x > 0 ? 0.5 : 0.4;

export function wishEvents(count: number): LearningEvent[] {
  const random = seededRandom(3, 'preferences');
  return Array.from({ length: count }, (_, i) => {
    const model = wishModels[i % 2]!;
    const x = random.next() < 0.5 ? 1 : -1;
    const noise = 0.05 * (random.next() - 0.5);
    const fields = { ...callerFields([x, random.normal()]), model, quality: quality(model, x) + noise };
    return eventOf({ ...fields, decisionId: `d${i}`, costUsd: wishCostUsd(model, x) }, wishModels);
  });
}
