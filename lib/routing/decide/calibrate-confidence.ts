/** From how sure the threads are to what that turned out to be worth: read off the curve that the learner has published. */

/**
 * `curve` has a height for the middle of each of as many equal steps of 0..1; between two of them it is straight, outside level.
 * An empty one, or what is none, leaves the confidence as it is.
 */
export function calibrateConfidence(curve: readonly number[], confidence: number): number {
  if (!isCurve(curve)) return confidence;
  const at = Math.min(curve.length - 1, Math.max(0, confidence * curve.length - 0.5));
  const from = Math.floor(at);
  const to = Math.min(curve.length - 1, from + 1);
  return curve[from]! + (at - from) * (curve[to]! - curve[from]!);
}

/** Whether there is something to read off. */
export function isCurve(curve: readonly number[]): boolean {
  return curve.length > 0 && curve.every((height) => height >= 0 && height <= 1);
}
