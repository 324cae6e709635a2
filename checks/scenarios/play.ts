/** One scenario through an engine, wherever that runs: requests and outcomes go through the real topics. */
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import { createRouterClient } from '../../lib/client/router-client';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { bytesOf } from '../../lib/learning/features/encode';
import { sleep } from '../../lib/ports/clock';
import { seededRandom } from '../../lib/random/seeded';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';
import type { Tried } from './newcomer';
import type { Scenario } from './scenarios';
import {
  answerOf,
  expectedUtility,
  type ModelName,
  modelConfig,
  preference,
  requestAt,
  trueModels,
  utilityScale,
} from './world';

export interface ScenarioRun {
  readonly scenario: Scenario;
  /** With the part that deals with it, or without. */
  readonly isWith: boolean;
  readonly requests: number;
  readonly seed: number;
  /** Of counted requests; default 50. An engine that cannot keep up is given fewer. */
  readonly ratePerSecond?: number;
}

/** The engine that a scenario happens to. */
export interface ScenarioEngine {
  /** The clients' door to its topics. */
  readonly home: Pick<EngineHome, 'broker' | 'clock' | 'topicPrefix' | 'createId'>;
  /** The longest that a client waits for a decision. */
  readonly decisionTimeoutMs: number;
  /** Rewards that the weights in force have been learned from. */
  learnedRewards(): number;
  /** Resolves when the configuration is durable. */
  applyConfig(config: RouterConfig): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the engine takes requests. `onFailed` is told of every part of it that fails. */
export type StartScenarioEngine = (
  config: RouterConfig,
  seed: number,
  onFailed: (why: string) => void,
) => Promise<ScenarioEngine>;

export interface PlayedScenario {
  /** By counted request: what its decision could expect, over the distribution it was drawn from; 0 where none came. */
  readonly utilities: readonly number[];
  /** What the best model was worth to it, by somebody who knows. */
  readonly oracle: readonly number[];
  /** Probability of the model that joins, and what it was worth to the request less than the best of the others; 0 before. */
  readonly newcomer: readonly Tried[];
  readonly undecided: number;
  /** Of requests in between. */
  readonly extraDecided: number;
  readonly extraUsd: number;
  readonly failures: readonly string[];
  /** Counted requests a second, as they were sent in the end. */
  readonly ratePerSecond: number;
  /** Rewards that the engine had learned from when something happened to it. */
  readonly learnedBefore: number;
}

export const defaultRatePerSecond = 50;
/** From a decision to the report of its outcome, which may say that the call took longer: so minutes pass in seconds. */
const outcomeDelayMs = 100;
/** While so many counted requests wait for their decisions no other is sent: how an engine adapts is measured, not its queue. */
const mostWaiting = 25;
/** It happens to an engine that has learned from so many of the rewards before, or that has had so long to do so. */
const learnedShare = 0.5;
const learningPatienceMs = 120_000;
const standing: readonly ModelName[] = ['alpha', 'bravo', 'charlie'];
const sources = ['editors', 'graders', 'support', 'users'];

/** Starts an engine, plays the scenario and stops the engine, also when something throws. */
export async function playScenario(run: ScenarioRun, start: StartScenarioEngine): Promise<PlayedScenario> {
  const failures: string[] = [];
  const engine = await start(configOf(run, standing), run.seed, (why) => failures.push(why));
  try {
    return await play(run, engine, failures);
  } finally {
    await engine.stop();
  }
}

function configOf(
  { scenario, isWith, seed }: ScenarioRun,
  models: readonly ModelName[],
  dearer: Partial<Record<ModelName, number>> = {},
): RouterConfig {
  const settings = isWith ? scenario.settings : { ...(scenario.without ?? {}) };
  return defaultRouterConfig(
    models.map((name) => {
      const model = modelConfig(name, scenario.declared[name]);
      const perRequestUsd = trueModels[name].costUsd * (dearer[name] ?? 1);
      return { ...model, price: { ...model.price!, perRequestUsd } };
    }),
    { seed, preference, utilityScale, ...settings },
  );
}

async function play(run: ScenarioRun, engine: ScenarioEngine, failures: string[]): Promise<PlayedScenario> {
  const { scenario, isWith, requests, seed, ratePerSecond = defaultRatePerSecond } = run;
  const { announced, extra, liarShare } = scenario;
  const { home, decisionTimeoutMs } = engine;
  const { broker, clock, topicPrefix } = home;
  const gapMs = 1_000 / ratePerSecond;
  const client = await createRouterClient({
    ...{ broker, clock, clientId: home.createId(), topicName: (name) => topicPrefix + name },
    onFailed: (error) => failures.push(error.message),
  });
  const begins = Math.floor(requests / 3);
  const ends = scenario.lasts ? requests : Math.floor((2 * requests) / 3);
  const isDuring = (index: number): boolean => index >= begins && index < ends;
  const troublesAt = (index: number) => (isDuring(index) ? scenario.troubles : {});
  const utilities = new Array<number>(requests).fill(0);
  const oracle = new Array<number>(requests).fill(0);
  const newcomer = Array.from({ length: requests }, () => ({ share: 0, lessThanBest: 0 }));
  let [undecided, extraDecided, extraUsd, waiting] = [0, 0, 0, 0];

  const ask = async (id: string, index: number, more: Parameters<typeof routeRequest>[0] | null) => {
    const request = requestAt(seed, index);
    const decision = await client
      .route(
        routeRequest({ ...more, requestId: id, features: bytesOf(request.features), requestedAtMs: clock.nowMs() }),
        decisionTimeoutMs,
      )
      .catch(() => null);
    if (decision) start(report(id, index, decision));
    return decision;
  };
  const report = async (id: string, index: number, decision: RouteDecided): Promise<void> => {
    const random = seededRandom(seed, 'scenario answer', id, decision.model);
    const trouble = troublesAt(index)[decision.model as ModelName] ?? {};
    const answer = answerOf(decision.model as ModelName, requestAt(seed, index), trouble, random);
    const isLie = isDuring(index) && random.next() < liarShare && answer.quality !== null;
    const honest = sources[index % sources.length]!;
    const source = isLie ? 'liar' : honest;
    await sleep(clock, outcomeDelayMs);
    const quality = isLie ? 1 - answer.quality! : answer.quality;
    const retryAfterMs = isWith && answer.status === 'RATE_LIMITED' ? scenario.retryAfterMs : null;
    await client.report(
      routeOutcome(decision, { ...answer, quality, source, retryAfterMs, occurredAtMs: clock.nowMs() }),
    );
  };
  const counted = async (index: number): Promise<void> => {
    const models: readonly ModelName[] =
      announced?.joins && isDuring(index) ? [...standing, announced.joins] : standing;
    const worth = (name: ModelName): number => expectedUtility(name, requestAt(seed, index), troublesAt(index)[name]);
    oracle[index] = Math.max(...models.map(worth));
    waiting++;
    const decision = await ask(`r${index}`, index, null);
    waiting--;
    if (!decision) {
      undecided++;
      return;
    }
    utilities[index] = decision.candidates.reduce(
      (sum, { model, propensity }) => sum + propensity * worth(model as ModelName),
      0,
    );
    const joined = isDuring(index) ? announced?.joins : undefined;
    if (joined)
      newcomer[index] = {
        share: decision.candidates.find(({ model }) => model === joined)?.propensity ?? 0,
        lessThanBest: Math.max(...standing.map(worth)) - worth(joined),
      };
  };
  const between = async (index: number, number: number): Promise<void> => {
    const { sessionId, tenantId } = extra!;
    const id = `x${index}-${number}`;
    const decision = await ask(id, index, { requestId: id, requestedAtMs: 0, sessionId, tenantId });
    if (!decision) return;
    extraDecided++;
    extraUsd += trueModels[decision.model as ModelName].costUsd;
  };

  const inFlight = new Set<Promise<void>>();
  const start = (work: Promise<void>): void => {
    const tracked = work
      .catch((error: Error) => void failures.push(error.message))
      .finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
  };
  const learned = async (): Promise<void> => {
    const untilMs = clock.monotonicMs() + learningPatienceMs;
    while (engine.learnedRewards() < learnedShare * begins && clock.monotonicMs() < untilMs) await sleep(clock, gapMs);
  };
  const startedMs = clock.monotonicMs();
  let [pausedMs, learnedBefore] = [0, 0];
  for (let index = 0; index < requests; index++) {
    while (waiting >= mostWaiting) await sleep(clock, gapMs);
    if (index === begins) {
      const pausedAtMs = clock.monotonicMs();
      await learned();
      pausedMs = clock.monotonicMs() - pausedAtMs;
      learnedBefore = engine.learnedRewards();
    }
    if (index === begins && announced && (isWith || announced.joins))
      await engine.applyConfig(
        configOf(run, announced.joins ? [...standing, announced.joins] : standing, announced.dearer ?? {}),
      );
    if (index === begins && scenario.badConfig) await putNonsense(home);
    start(counted(index));
    if (extra && isDuring(index)) for (let i = 0; i < extra.perRequest; i++) start(between(index, i));
    await sleep(clock, gapMs);
  }
  const rate = (1_000 * requests) / (clock.monotonicMs() - startedMs - pausedMs);
  while (inFlight.size > 0) await sleep(clock, gapMs);
  await client.close();
  const counts = { undecided, extraDecided, extraUsd, learnedBefore, ratePerSecond: rate };
  return { utilities, oracle, newcomer, failures, ...counts };
}

/** A configuration that has no models, one that is no JSON, and bytes. */
async function putNonsense({ broker, clock, topicPrefix }: ScenarioEngine['home']): Promise<void> {
  const { codec } = topics.config;
  const topic = topicPrefix + topics.config.name;
  const applied = { version: 99, appliedAtMs: clock.nowMs(), appliedBy: 'nobody', fileSha256: null };
  const producer = broker.producer('nonsense');
  const values = [
    codec.encode({ ...applied, json: '{"models":[]}' }),
    codec.encode({ ...applied, json: '{' }),
    Buffer.from('no configuration'),
  ];
  await producer.send(values.map((value) => ({ topic, partition: 0, key: 'current', value })));
  await producer.close();
}
