/** The stages that alerts are made of, alone on a virtual clock: what happened goes in, alerts come out. */
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import type {
  Alert,
  AlertSilence,
  EngineVitals,
  LearningEvent,
  ModelObserved,
  RouteDecided,
} from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createAlerts } from '../../../services/alerts/service';
import { createAnalytics, createAnalyticsRewards } from '../../../services/analytics/service';
import { createModelProfiler } from '../../../services/model-profiler/service';
import { learningEvent } from '../dqn-trainer/records';
import { observed } from '../model-profiler/records';
import { createWorld, type World } from '../one-service';
import { decided } from '../reward-feedback/records';

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
const reportMs = 15 * secondMs;

/** Two models of one provider, and one of another. */
const models = [
  { name: 'alpha', provider: 'acme' },
  { name: 'bravo', provider: 'acme' },
  { name: 'charlie', provider: 'zenith' },
];

export interface AlertWorld {
  readonly world: World;
  apply(alerts: Partial<Record<string, object>>): Promise<void>;
  /** A process reports how it is, every so often for so long. */
  pass(durationMs: number, vitals?: Partial<EngineVitals>): Promise<void>;
  /** Decisions of now. */
  decide(count: number, change?: Partial<RouteDecided>): Promise<void>;
  call(count: number, change?: Partial<ModelObserved>): Promise<void>;
  judge(count: number, change?: Partial<LearningEvent>): Promise<void>;
  silence(change: Partial<AlertSilence>): Promise<void>;
  /** What was said so far, one line each: rule, subject and what became of it. */
  said(): string[];
  /** The records behind these lines. */
  alerts(): Alert[];
}

export async function startAlerts(): Promise<AlertWorld> {
  const world = await createWorld();
  const { clock, metrics } = world;
  let version = 0;
  let ids = 0;
  const apply = async (alerts: object): Promise<void> => {
    const config = defaultRouterConfig(models, { alerts } as Partial<RouterConfig>);
    const applied = { json: configToJson(config), appliedAtMs: clock.nowMs(), appliedBy: 'test', fileSha256: null };
    await world.send(topics.config, [{ version: ++version, ...applied }]);
    await clock.advanceBy(50);
  };
  await apply({});
  await world.start(createAnalytics());
  await world.start(createAnalyticsRewards({ metrics }));
  await world.start(createModelProfiler({ metrics }));
  await world.start(createAlerts({ metrics }));
  const alerts = (): Alert[] => world.out(topics.alerts);
  const many = <T>(count: number, one: (id: string) => T): T[] => Array.from({ length: count }, () => one(`r${++ids}`));
  return {
    world,
    apply,
    async pass(durationMs, vitals = {}) {
      for (let passed = 0; passed < durationMs; passed += reportMs) {
        await clock.advanceBy(reportMs);
        await world.send(topics.engineVitals, [
          {
            ...{
              process: 'engine',
              atMs: clock.nowMs(),
              services: [],
              learningLagMs: 0,
              weightsHeld: false,
              disk: null,
            },
            ...vitals,
          },
        ]);
      }
    },
    decide: (count, change = {}) =>
      world.send(
        topics.routeDecided,
        many(count, (id) => decided(id, { decidedAtMs: clock.nowMs(), ...change })),
      ),
    call: (count, change = {}) =>
      world.send(
        topics.modelObserved,
        many(count, (id) => observed({ observationId: id, observedAtMs: clock.nowMs(), ...change })),
      ),
    judge: (count, change = {}) =>
      world.send(
        topics.learningEvents,
        many(count, (id) =>
          learningEvent(0, {
            eventId: id,
            decisionId: id,
            openedAtMs: clock.nowMs(),
            models: ['alpha', 'bravo'],
            model: 'alpha',
            ...change,
          }),
        ),
      ),
    async silence(change) {
      const base = { silenceId: `s${++ids}`, rule: '', subject: '', author: 'me', reason: 'known' };
      await world.send(topics.alertSilences, [
        { ...base, createdAtMs: clock.nowMs(), untilMs: clock.nowMs() + hourMs, ...change },
      ]);
      await clock.advanceBy(50);
    },
    said: () => alerts().map(({ rule, subject, state }) => `${rule} ${subject} ${state}`.replace('  ', ' ')),
    alerts,
  };
}
