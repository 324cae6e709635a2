/** A small world in which everything is known: three models, two kinds of requests told apart by a number, and what goes wrong. */
import type { ModelConfig } from '../../lib/config/router-config';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { utilityOf, utilityWeights } from '../../lib/routing/judge/utility';
import type { OutcomeStatus } from '../../lib/topics/generated/messages';

interface TrueModel {
  readonly provider: string;
  /** Mean quality of an answer to either kind of request, 0..1. */
  readonly quality: readonly [number, number];
  readonly costUsd: number;
  readonly latencyMs: number;
}

export const trueModels = {
  alpha: { provider: 'north', quality: [0.92, 0.6], costUsd: 0.01, latencyMs: 1_000 },
  bravo: { provider: 'south', quality: [0.6, 0.88], costUsd: 0.008, latencyMs: 1_200 },
  charlie: { provider: 'east', quality: [0.72, 0.7], costUsd: 0.002, latencyMs: 600 },
  delta: { provider: 'west', quality: [0.97, 0.95], costUsd: 0.006, latencyMs: 900 },
  echo: { provider: 'west', quality: [0.35, 0.3], costUsd: 0.006, latencyMs: 900 },
} as const satisfies Record<string, TrueModel>;
export type ModelName = keyof typeof trueModels;

/** What is otherwise than usual with a model. */
export interface Trouble {
  /** Share of its calls that fail, and how. */
  readonly failing?: { readonly share: number; readonly status: OutcomeStatus };
  readonly slower?: number;
  readonly dearer?: number;
  /** Quality it has less. */
  readonly worse?: number;
}
export type Troubles = Readonly<Partial<Record<ModelName, Trouble>>>;

export const preference = { quality: 1, cost: 0.15, latency: 0.1 };
export const utilityScale = { costUsd: 0.01, latencyMs: 10_000 };
const weights = utilityWeights(preference, utilityScale, 0);
const noiseOfQuality = 0.08;

/** Nothing is declared that would tell them apart, unless `expectedQuality` is: it is learned. */
export function modelConfig(
  name: ModelName,
  expectedQuality?: number,
): Partial<ModelConfig> & Pick<ModelConfig, 'name' | 'provider'> {
  const { provider, costUsd } = trueModels[name];
  const price = { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: costUsd };
  return { name, provider, price, ...(expectedQuality !== undefined && { expectedQuality }) };
}

export interface Request {
  readonly kind: 0 | 1;
  readonly features: Float32Array;
}

export function requestAt(seed: number, index: number): Request {
  const random = seededRandom(seed, 'scenario request', index);
  const features = Float32Array.from({ length: 4 }, () => random.normal());
  return { kind: features[0]! > 0 ? 0 : 1, features };
}

/** What an answer of a model is worth to a request on average; a failed call is worth what it costs to wait for it. */
export function expectedUtility(name: ModelName, { kind }: Request, { failing, ...trouble }: Trouble = {}): number {
  const { quality, costUsd, latencyMs } = figuresOf(name, kind, trouble);
  const answered = utilityOf(weights, quality, costUsd, latencyMs);
  const failed = utilityOf(weights, 0, 0, latencyMs);
  const share = failing?.share ?? 0;
  return (1 - share) * answered + share * failed;
}

export interface Answer {
  readonly status: OutcomeStatus;
  readonly quality: number | null;
  readonly costUsd: number | null;
  readonly latencyMs: number;
}

export function answerOf(name: ModelName, { kind }: Request, trouble: Trouble, random: Random): Answer {
  const { quality, costUsd, latencyMs } = figuresOf(name, kind, trouble);
  if (random.next() < (trouble.failing?.share ?? 0))
    return { status: trouble.failing!.status, quality: null, costUsd: 0, latencyMs };
  const judged = Math.max(0, Math.min(1, quality + noiseOfQuality * random.normal()));
  return { status: 'SUCCESS', quality: judged, costUsd, latencyMs: latencyMs * (0.8 + 0.4 * random.next()) };
}

function figuresOf(name: ModelName, kind: 0 | 1, { slower = 1, dearer = 1, worse = 0 }: Trouble) {
  const { quality, costUsd, latencyMs } = trueModels[name];
  return { quality: Math.max(0, quality[kind] - worse), costUsd: costUsd * dearer, latencyMs: latencyMs * slower };
}
