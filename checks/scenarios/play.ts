/** One scenario through the whole engine in one process, on a virtual clock: requests and outcomes go through the real topics. */
import { onVirtualClock } from '../../lab/studies/on-virtual-clock';
import { routeOutcome, routeRequest } from '../../lib/client/build-records';
import { createRouterClient } from '../../lib/client/router-client';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { bytesOf } from '../../lib/learning/features/encode';
import { type Clock, sleep } from '../../lib/ports/clock';
import { seededRandom } from '../../lib/random/seeded';
import { createLog } from '../../lib/telemetry/log';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { startEngine } from '../../services/engine';
import { memoryHome } from '../../services/home';
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
}

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
}

/** Virtual time between two counted requests, and from a decision to its outcome. */
const gapMs = 20;
const outcomeDelayMs = 100;
const decisionTimeoutMs = 2_000;
const standing: readonly ModelName[] = ['alpha', 'bravo', 'charlie'];
const sources = ['editors', 'graders', 'support', 'users'];

export function playScenario(run: ScenarioRun): Promise<PlayedScenario> {
  return onVirtualClock((clock) => play(run, clock));
}

async function play({ scenario, isWith, requests, seed }: ScenarioRun, clock: Clock): Promise<PlayedScenario> {
  const { announced, extra, liarShare } = scenario;
  const home = memoryHome({ clock, seed });
  const failures: string[] = [];
  const settings = isWith ? scenario.settings : { ...(scenario.without ?? {}) };
  const configOf = (models: readonly ModelName[], dearer: Partial<Record<ModelName, number>> = {}): RouterConfig =>
    defaultRouterConfig(
      models.map((name) => {
        const model = modelConfig(name, scenario.declared[name]);
        const perRequestUsd = trueModels[name].costUsd * (dearer[name] ?? 1);
        return { ...model, price: { ...model.price!, perRequestUsd } };
      }),
      { seed, preference, utilityScale, ...settings },
    );
  const engine = await startEngine({
    ...{ home, config: configOf(standing), partitions: 4, trainer: 'inline', http: null },
    log: createLog({ level: 'silent' }),
    onFatal: (group, error) => failures.push(`${group}: ${error.message}`),
  });
  const client = await createRouterClient({
    ...{ broker: home.broker, clock, clientId: home.createId(), topicName: (name) => name },
    onFailed: (error) => failures.push(error.message),
  });
  const begins = Math.floor(requests / 3);
  const ends = scenario.lasts ? requests : Math.floor((2 * requests) / 3);
  const isDuring = (index: number): boolean => index >= begins && index < ends;
  const troublesAt = (index: number) => (isDuring(index) ? scenario.troubles : {});
  const utilities = new Array<number>(requests).fill(0);
  const oracle = new Array<number>(requests).fill(0);
  const newcomer = Array.from({ length: requests }, () => ({ share: 0, lessThanBest: 0 }));
  let [undecided, extraDecided, extraUsd] = [0, 0, 0];

  const ask = async (id: string, index: number, more: Parameters<typeof routeRequest>[0] | null) => {
    const request = requestAt(seed, index);
    const decision = await client
      .route(
        routeRequest({ ...more, requestId: id, features: bytesOf(request.features), requestedAtMs: clock.nowMs() }),
        decisionTimeoutMs,
      )
      .catch(() => null);
    if (decision) void report(id, index, decision);
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
    await client.report(routeOutcome(decision, { ...answer, quality, source, occurredAtMs: clock.nowMs() }));
  };
  const counted = async (index: number): Promise<void> => {
    const models: readonly ModelName[] =
      announced?.joins && isDuring(index) ? [...standing, announced.joins] : standing;
    const worth = (name: ModelName): number => expectedUtility(name, requestAt(seed, index), troublesAt(index)[name]);
    oracle[index] = Math.max(...models.map(worth));
    const decision = await ask(`r${index}`, index, null);
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
    const tracked = work.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
  };
  for (let index = 0; index < requests; index++) {
    if (index === begins && announced && (isWith || announced.joins))
      await engine.applyConfig(
        configOf(announced.joins ? [...standing, announced.joins] : standing, announced.dearer ?? {}),
      );
    if (index === begins && scenario.badConfig) await putNonsense(home);
    start(counted(index));
    if (extra && isDuring(index)) for (let i = 0; i < extra.perRequest; i++) start(between(index, i));
    await sleep(clock, gapMs);
  }
  while (inFlight.size > 0) await sleep(clock, gapMs);
  await sleep(clock, 2 * outcomeDelayMs);
  await client.close();
  await engine.stop();
  return { utilities, oracle, newcomer, undecided, extraDecided, extraUsd, failures };
}

/** A configuration that has no models, one that is no JSON, and bytes. */
async function putNonsense({ broker, clock }: ReturnType<typeof memoryHome>): Promise<void> {
  const { name, codec } = topics.config;
  const applied = { version: 99, appliedAtMs: clock.nowMs(), appliedBy: 'nobody', fileSha256: null };
  const producer = broker.producer('nonsense');
  const values = [
    codec.encode({ ...applied, json: '{"models":[]}' }),
    codec.encode({ ...applied, json: '{' }),
    Buffer.from('no configuration'),
  ];
  await producer.send(values.map((value) => ({ topic: name, partition: 0, key: 'current', value })));
  await producer.close();
}
