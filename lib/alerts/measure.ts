/**
 * What each rule looks at, and what it finds: figures with their thresholds, by what they are about. Pure; whether something
 * rings is decided in `ring.ts`.
 */

import { type RecentFigures, type RecentSum, sumHours, sumMinutes } from '../analytics/recent';
import type { RouterConfig } from '../config/router-config';
import type { AlertRules, RuleName } from '../config/schema/alert-schema';
import { percent, short } from '../figures/figures';
import { returnsByItself } from '../routing/open/admission';
import type {
  AlertReading,
  Breaker,
  BudgetState,
  EngineVitals,
  Health,
  ModelProfile,
  RecentWindow,
} from '../topics/generated/messages';
import { type Burn, burnOf } from './burn';

/** Everything that rules look at, as it is now. */
export interface Surroundings {
  readonly nowMs: number;
  readonly config: RouterConfig;
  readonly vitals: EngineVitals;
  readonly windows: () => Iterable<RecentWindow>;
  readonly rewards: () => Iterable<RecentWindow>;
  readonly profiles: () => Iterable<ModelProfile>;
  readonly budgets: () => Iterable<BudgetState>;
}

export interface Measured {
  readonly subject: string;
  readonly value: number;
  readonly threshold: number;
  readonly isWrong: boolean;
  /** Neither wrong nor fine: it stays what it was. */
  readonly isFine: boolean;
  readonly summary: string;
}

export interface Measurement {
  readonly measured: readonly Measured[];
  /** Whether whatever is not among them is fine; else nothing is known of it. */
  readonly isComplete: boolean;
  /** What the rule goes on from; absent where it needs nothing. */
  readonly readings?: readonly AlertReading[];
}

type Measure<R extends RuleName> = (
  rule: AlertRules[R],
  around: Surroundings,
  readings: readonly AlertReading[],
) => Measurement;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A process that has not reported for so long is silent. */
const silentMs = 60_000;
const maxReadings = 256;
/** Of processes and services; accounts have a tenant and a user in theirs. */
const maxNameChars = 200;
const maxSubjectChars = 512;

const measures: { readonly [R in RuleName]: Measure<R> } = {
  providerDown: (_rule, { config, profiles, nowMs }) => {
    // What nobody has asked for so long that it takes requests again is not known to be out.
    const downBy = (breaker: Breaker): number =>
      returnsByItself(breaker, config.breaker, nowMs) ? 0 : downOf[breaker.health];
    const known = new Map([...profiles()].map((profile) => [profile.model, profile]));
    const measured = [...providersOf(config)].map(([provider, models]) => {
      const own = models.flatMap((model) => known.get(model) ?? []);
      const ofProvider = Math.max(0, ...own.map(({ providerBreaker }) => downBy(providerBreaker)));
      const ofModels = Math.min(
        ...models.map((model) => {
          const breaker = known.get(model)?.breaker;
          return breaker ? downBy(breaker) : downOf.CLOSED;
        }),
      );
      const value = Math.max(ofProvider, ofModels);
      return {
        subject: provider,
        value,
        threshold: downOf.HALF_OPEN,
        // Half open, a breaker lets few requests through, and was open before.
        isWrong: value > 0,
        isFine: value === 0,
        summary: `provider ${provider} is out: at most a few requests still try it`,
      };
    });
    return { measured, isComplete: true };
  },
  errorRate: ({ windowMs, above, minCalls }, { nowMs, config, windows }) => {
    const { by } = sumMinutes(windows(), nowMs - windowMs, nowMs, 'provider');
    const measured = [...providersOf(config).keys()].flatMap((provider) => {
      const { calls, errors } = by.get(provider) ?? { calls: 0, errors: 0 };
      if (!(calls >= minCalls)) return [];
      return over(
        provider,
        errors / calls,
        above,
        above / 2,
        `${percent(errors / calls)} of ${calls} calls of provider ${provider} failed in ${words(windowMs)}`,
      );
    });
    return { measured, isComplete: false };
  },
  budgetBurn: ({ fastBurn, slowBurn }, { nowMs, budgets }, readings) => {
    const before = new Map(readings.map((reading) => [reading.name, reading]));
    const burns = [...budgets()]
      .flatMap((state) => burnOf(state, before.get(state.account), nowMs, { fastBurn, slowBurn }) ?? [])
      .sort((a, b) => b.share - a.share)
      .slice(0, maxReadings);
    const measured = burns.map(({ state, share, burn, threshold }: Burn) =>
      over(
        state.account,
        burn,
        threshold,
        0.8 * threshold,
        `budget ${state.account} is spent ${short(burn)} times as fast as its period goes by; ${percent(share)} of it is gone`,
      ),
    );
    return { measured, isComplete: true, readings: burns.map(({ reading }) => reading) };
  },
  learningLag: ({ aboveMs }, around, readings) => {
    const kept = reported(around, readings, ({ learningLagMs }) => learningLagMs);
    const value = Math.max(0, ...kept.map(({ values }) => values[0] ?? 0));
    return {
      measured: [over('', value, aboveMs, aboveMs / 2, `learning is ${words(value)} behind its log`)],
      isComplete: true,
      readings: kept,
    };
  },
  qualityDrop: ({ windowMs, above, minJudged }, { nowMs, rewards }) => {
    const from = nowMs - windowMs;
    const now = sumMinutes(rewards(), from, nowMs).all;
    const before = sumHours(rewards(), from - dayMs, from).all;
    if (!(now.judged >= minJudged && before.judged >= minJudged)) return { measured: [], isComplete: false };
    const [is, was] = [now.quality / now.judged, before.quality / before.judged];
    const error = Math.sqrt(varianceOf(is) / now.judged + varianceOf(was) / before.judged);
    const value = Math.max(0, was - is - 2 * error);
    return {
      measured: [
        over(
          '',
          value,
          above,
          above / 2,
          `answers of ${words(windowMs)} are worth ${short(is)}, and were worth ${short(was)} in the day before`,
        ),
      ],
      isComplete: false,
    };
  },
  collapse: ({ windowMs, above, before: most, minDecisions }, { nowMs, config, windows }) => {
    const from = nowMs - windowMs;
    const now = sumMinutes(windows(), from, nowMs, 'model');
    const before = sumHours(windows(), from - dayMs, from, 'model');
    if (!(now.all.decisions >= minDecisions && before.all.decisions >= minDecisions) || config.models.length < 2)
      return { measured: [], isComplete: config.models.length < 2 };
    const measured = [...now.by.keys()].map((model) => {
      const [is, was] = [shareOf(now, model), shareOf(before, model)];
      const value = was > most ? 0 : is;
      return over(
        model,
        value,
        above,
        above - 0.05,
        `${percent(is)} of the decisions of ${words(windowMs)} went to ${model}; in the day before ${percent(was)} did`,
      );
    });
    return { measured, isComplete: true };
  },
  propensityFloor: (rule, around) =>
    ofDecisions(
      rule,
      around,
      ({ floored }) => floored,
      rule.above - 0.05,
      (share) =>
        `in ${share} of the decisions of ${words(rule.windowMs)} only the exploration floor left other models a chance`,
    ),
  deadLetters: ({ windowMs, count }, { nowMs, vitals }, readings) => {
    const kept = new Map(readings.filter(({ atMs }) => nowMs - atMs < dayMs).map((reading) => [reading.name, reading]));
    const fading = ({ atMs, values }: AlertReading): number =>
      (values[1] ?? 0) * Math.exp(-Math.max(0, nowMs - atMs) / windowMs);
    for (const { service, deadLetters } of servicesOf(vitals)) {
      const name = `${vitals.process}\n${service}`;
      const before = kept.get(name);
      const [last = 0] = before?.values ?? [];
      // A process that has begun anew counts from nothing.
      const came = deadLetters >= last ? deadLetters - last : deadLetters;
      kept.set(name, { name, atMs: nowMs, values: [deadLetters, came + (before ? fading(before) : 0)] });
    }
    const byService = new Map<string, number>();
    for (const reading of kept.values()) {
      const service = serviceOf(reading);
      byService.set(service, (byService.get(service) ?? 0) + fading(reading));
    }
    const measured = [...byService].map(([service, value]) =>
      // A fading sum of so many that have just come is a little less.
      over(
        service,
        value,
        0.99 * count,
        count / 2,
        `${service} has put about ${Math.round(value)} records aside in ${words(windowMs)}: look at its .dlq topics`,
      ),
    );
    return { measured, isComplete: true, readings: newest([...kept.values()]) };
  },
  lag: ({ aboveMs }, { nowMs, vitals }, readings) => {
    const own = `${vitals.process}\n`;
    const kept = [
      ...readings.filter(({ name, atMs }) => !name.startsWith(own) && nowMs - atMs < dayMs),
      ...servicesOf(vitals).map(({ service, lagMs }) => ({ name: own + service, atMs: nowMs, values: [lagMs] })),
    ];
    const byService = new Map<string, AlertReading[]>();
    for (const reading of kept)
      byService.set(serviceOf(reading), [...(byService.get(serviceOf(reading)) ?? []), reading]);
    const measured = [...byService].map(([service, of]) => {
      const heard = of.filter(({ atMs }) => nowMs - atMs < silentMs);
      const silentForMs = nowMs - Math.max(...of.map(({ atMs }) => atMs));
      if (heard.length === 0)
        return over(
          service,
          silentForMs,
          aboveMs,
          aboveMs / 2,
          `nothing was heard of ${service} for ${words(silentForMs)}`,
        );
      const value = Math.max(...heard.map(({ values }) => values[0] ?? 0));
      return over(
        service,
        value,
        aboveMs,
        aboveMs / 2,
        `${service} is ${words(value)} behind, or has not been ready for as long`,
      );
    });
    return { measured, isComplete: true, readings: newest(kept) };
  },
  degraded: (rule, around) =>
    ofDecisions(
      rule,
      around,
      ({ degraded }) => degraded,
      rule.above / 2,
      (share, decisions) => `${share} of ${decisions} decisions were degraded in ${words(rule.windowMs)}`,
    ),
  weightsHeld: (_rule, around, readings) => {
    const kept = reported(around, readings, ({ weightsHeld }) => (weightsHeld ? 1 : 0));
    const value = Math.max(0, ...kept.map(({ values }) => values[0] ?? 0));
    return {
      measured: [over('', value, 1, 1, 'newer weights are kept back: look at `quantum-router models list`')],
      isComplete: true,
      readings: kept,
    };
  },
  disk: ({ freeBytesBelow }, { vitals: { process, disk } }) => {
    if (disk === null || !isShort(process)) return { measured: [], isComplete: false };
    const { freeBytes, usedBytes } = disk;
    const summary = `${megabytes(freeBytes)} are free on the disk of the store, which takes ${megabytes(usedBytes)}`;
    const isWrong = freeBytes < freeBytesBelow;
    // Of this process alone: of others nothing is known here.
    return {
      measured: [
        {
          subject: '',
          value: freeBytes,
          threshold: freeBytesBelow,
          isWrong,
          isFine: freeBytes >= 1.25 * freeBytesBelow,
          summary,
        },
      ],
      isComplete: false,
    };
  },
};

/** What a rule finds. Figures that are none, whoever sent them, are left out. */
export function measure<R extends RuleName>(
  name: R,
  around: Surroundings,
  readings: readonly AlertReading[],
): Measurement {
  const { measured, ...rest } = measures[name](around.config.alerts.rules[name], around, readings);
  return {
    ...rest,
    measured: measured.filter(({ value, subject }) => Number.isFinite(value) && subject.length <= maxSubjectChars),
  };
}

const downOf: Readonly<Record<Health, number>> = { CLOSED: 0, HALF_OPEN: 0.5, OPEN: 1 };

function over(subject: string, value: number, threshold: number, fineBelow: number, summary: string): Measured {
  return { subject, value, threshold, isWrong: value >= threshold, isFine: value < fineBelow, summary };
}

/** Which share of the decisions of a window is of a kind; nothing where there are too few. */
function ofDecisions(
  { windowMs, above, minDecisions }: AlertRules['degraded'],
  { nowMs, windows }: Surroundings,
  countOf: (sum: RecentFigures) => number,
  fineBelow: number,
  summary: (share: string, decisions: number) => string,
): Measurement {
  const sum = sumMinutes(windows(), nowMs - windowMs, nowMs).all;
  const { decisions } = sum;
  if (!(decisions >= minDecisions)) return { measured: [], isComplete: false };
  const value = countOf(sum) / decisions;
  return { measured: [over('', value, above, fineBelow, summary(percent(value), decisions))], isComplete: false };
}

function providersOf({ models }: RouterConfig): Map<string, string[]> {
  const providers = new Map<string, string[]>();
  for (const { name, provider } of models) providers.set(provider, [...(providers.get(provider) ?? []), name]);
  return providers;
}

/** A figure of each process: that of the one that reports now, and those of others that have not fallen silent. */
function reported(
  { nowMs, vitals }: Surroundings,
  readings: readonly AlertReading[],
  of: (vitals: EngineVitals) => number,
): AlertReading[] {
  const { process } = vitals;
  const others = readings.filter(({ name, atMs }) => name !== process && nowMs - atMs < silentMs);
  const value = of(vitals);
  if (!isShort(process) || !Number.isFinite(value)) return others;
  return newest([...others, { name: process, atMs: nowMs, values: [value] }]);
}

function servicesOf({ process, services }: EngineVitals): EngineVitals['services'] {
  if (!isShort(process)) return [];
  return services.slice(0, maxReadings).filter(({ service, lagMs }) => isShort(service) && Number.isFinite(lagMs));
}

function serviceOf({ name }: AlertReading): string {
  return name.slice(name.indexOf('\n') + 1);
}

function newest(readings: readonly AlertReading[]): AlertReading[] {
  return [...readings].sort((a, b) => b.atMs - a.atMs).slice(0, maxReadings);
}

function isShort(name: string): boolean {
  return name.length > 0 && name.length <= maxNameChars;
}

function shareOf({ all, by }: RecentSum, model: string): number {
  return (by.get(model)?.decisions ?? 0) / Math.max(1, all.decisions);
}

/** The most that values from 0 to 1 of this mean can vary. */
function varianceOf(mean: number): number {
  return Math.max(0, mean * (1 - mean));
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}

function words(durationMs: number): string {
  if (durationMs >= 2 * hourMs) return `${short(durationMs / hourMs)} hours`;
  return durationMs >= 120_000 ? `${short(durationMs / 60_000)} minutes` : `${short(durationMs / 1_000)} seconds`;
}
