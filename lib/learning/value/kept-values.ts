/**
 * What the weights say of one text, as the routing cache keeps it and `route.opened` pins it: for every model ten heads, their mean, the
 * cost factor and the guaranteed shares. Prices, health, drifts, beliefs and allowances are not in it: those of the request that uses it
 * count, so it grows old with the weights alone.
 */
import type { LearnedPolicy } from '../../routing/judge/strategy';
import type { CachedValues } from '../../topics/generated/messages';
import type { Guarantee, Guarantees } from '../budget/guarantees';
import { createJudge, type PolicyFacts, type Values } from './judge-values';
import { headCount } from './linear-half';

export type KeptValues = Omit<CachedValues, 'isCheck' | 'cachedAtMs'>;

const floatBytes = Float32Array.BYTES_PER_ELEMENT;
/** Mean, cost factor, least and most share; then the heads. */
const columnsBefore = 4;
const columns = columnsBefore + headCount;
/** Of a model without a guarantee. */
const anyShare: Guarantee = { least: 0, most: 1 };

export function keepValues(facts: PolicyFacts, values: Values, learnedRewards: number): KeptValues {
  const { policySha256, models, hasLinear, rewardMean, guarantees } = facts;
  const bytes = Buffer.allocUnsafe(models.length * columns * floatBytes);
  let at = 0;
  const write = (value: number): void => {
    at = bytes.writeFloatLE(value, at);
  };
  models.forEach((model, arm) => {
    const { least, most } = guarantees.get(model) ?? anyShare;
    write(values.means[arm]!);
    write(values.costFactors[arm]!);
    write(least);
    write(most);
    for (let head = 0; head < headCount; head++) write(values.heads[arm * headCount + head]!);
  });
  return { models: [...models], values: bytes, hasLinear, rewardMean, policySha256, learnedRewards };
}

/** Why these are no values of their models, or null. They come from a store that others can write to. */
export function keptValuesFault({ models, values, rewardMean }: KeptValues): string | null {
  if (values.length !== models.length * columns * floatBytes)
    return `${values.length} bytes are not the values of ${models.length} models`;
  for (let at = 0; at < values.length; at += floatBytes)
    if (!Number.isFinite(values.readFloatLE(at))) return 'a value is not finite';
  return Number.isFinite(rewardMean) ? null : 'the mean reward is not finite';
}

/** The policy that these values are of, for the requests they are pinned in. Its judging throws where they are none. */
export function policyOfValues(kept: KeptValues): LearnedPolicy {
  const { policySha256, models, hasLinear, rewardMean } = kept;
  return {
    policySha256,
    judge(opened) {
      const fault = keptValuesFault(kept);
      if (fault) throw new Error(`cached values: ${fault}`);
      const { values, guarantees } = unpacked(kept);
      return createJudge({ policySha256, models, hasLinear, rewardMean, guarantees }, () => values)(opened);
    },
  };
}

function unpacked({ models, values: bytes }: KeptValues): { readonly values: Values; readonly guarantees: Guarantees } {
  const count = models.length;
  const values: Values = {
    heads: new Float64Array(count * headCount),
    means: new Float64Array(count),
    costFactors: new Float64Array(count),
  };
  const guarantees = new Map<string, Guarantee>();
  let at = 0;
  const read = (): number => {
    const value = bytes.readFloatLE(at);
    at += floatBytes;
    return value;
  };
  models.forEach((model, arm) => {
    values.means[arm] = read();
    values.costFactors[arm] = read();
    const least = read();
    const most = read();
    if (least > 0 || most < 1) guarantees.set(model, { least, most });
    for (let head = 0; head < headCount; head++) values.heads[arm * headCount + head] = read();
  });
  return { values, guarantees };
}
