/** Quantiles of Student's t distribution, for intervals whose spread is itself estimated from few effective rows. */

/**
 * t such that a share `probability` (0.5 .. 1) of the distribution with `freedom` degrees lies below it. Exact for 1 and
 * 2 degrees (in between as for 1, which is wider), above that the Cornish-Fisher expansion (Abramowitz and Stegun 1964,
 * 26.7.5), exact to 3 digits from 5 on.
 */
export function studentQuantile(probability: number, freedom: number): number {
  const z = normalQuantile(probability);
  if (freedom < 2) return Math.tan(Math.PI * (probability - 0.5));
  if (freedom === 2) return (2 * probability - 1) / Math.sqrt(2 * probability * (1 - probability));
  const v = freedom;
  const z2 = z * z;
  const g1 = (z * (z2 + 1)) / 4;
  const g2 = (z * ((5 * z2 + 16) * z2 + 3)) / 96;
  const g3 = (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / 384;
  const g4 = (z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945)) / 92160;
  return z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
}

/** Quantile of the standard normal distribution for 0.5 .. 1 (exclusive). Acklam's rational approximation; relative error below 1.2e-9. */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0.5 && probability < 1))
    throw new RangeError(`probability must be in [0.5, 1), not ${probability}`);
  if (probability > 0.97575) {
    const q = Math.sqrt(-2 * Math.log(1 - probability));
    return -polynomial(tailOver, q) / (polynomial(tailUnder, q) * q + 1);
  }
  const q = probability - 0.5;
  const r = q * q;
  return (polynomial(middleOver, r) * q) / (polynomial(middleUnder, r) * r + 1);
}

const middleOver = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
];
const middleUnder = [
  -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1,
];
const tailOver = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const tailUnder = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
