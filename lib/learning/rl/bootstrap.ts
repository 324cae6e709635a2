/**
 * Bootstrap heads (Osband et al. 2016): several value functions on one trunk, each taught by its own random share of
 * the experience. Where there is little, they disagree; acting by one of them at a time is exploration that means it.
 */

/** Share of rows each head learns from. Different shares keep the heads apart: that is where exploration comes from. */
const bootstrapShare = 0.8;

// Bound once: see encode.ts.
const { imul } = Math;

/** Whether a head learns from a row: a hash instead of a stored mask, so that it is the same after a restart. */
export function inBootstrap(seed: number, row: number, head: number): boolean {
  let h = imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ imul(row + 1, 0xc2b2ae35) ^ imul(head + 1, 0x27d4eb2f);
  h = imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32 < bootstrapShare;
}
