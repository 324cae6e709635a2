import fc from 'fast-check';
import { admissionsOf, mayBeProbed, newestProfileMs, shareAt } from '../../../../lib/routing/open/admission';
import { createProbeMemory, modelBreaker, providerBreaker } from '../../../../lib/routing/open/probe-memory';
import type { Breaker, BreakerChange, Capacity, ModelProfile } from '../../../../lib/topics/generated/messages';
import { closed, configOf, nowMs, profileOf } from '../fixtures';

const config = configOf({ breaker: { probeShare: 0.05, rampMs: 30_000, maxOpenMs: 120_000 } });

const alone = { partition: 0, partitions: 1 };

function admissionOf(profile: Partial<ModelProfile>, atMs = nowMs, probes = createProbeMemory(), place = alone) {
  const large = profileOf('large', 'alpha', profile);
  const profiles = (model: string) => (model === 'large' ? large : undefined);
  return admissionsOf({ config, profileOf: profiles, nowMs: atMs, prober: { probes, ...place } })?.[0] ?? null;
}

const capacityOf = (changes: Partial<Capacity>): Capacity => ({
  share: 1,
  changedAtMs: nowMs,
  restUntilMs: 0,
  callsPerMinute: 0,
  refusedPerMinute: 0,
  refusedLately: 0,
  tokensPerMinute: 0,
  concurrent: 0,
  measuredAtMs: nowMs,
  ...changes,
});

test('whoever is well serves all requests, and nothing is worked out', () => {
  expect(admissionsOf({ config, profileOf: () => undefined, nowMs })).toBeNull();
  expect(admissionOf({})).toBeNull();
  // What is open is health's to say.
  expect(admissionOf({ breaker: closed({ health: 'OPEN', probeAtMs: nowMs + 1 }) })).toBeNull();
});

describe('after an outage', () => {
  const back: Breaker = closed({ openings: 2, changedAtMs: nowMs });

  test('a share grows from that of probes to all, by the same factor in the same time', () => {
    const shareAfter = (ms: number) => admissionOf({ breaker: back }, nowMs + ms)?.share ?? 1;
    expect(admissionOf({ breaker: back })).toEqual({ share: 0.05, kind: 'returning' });
    expect(shareAfter(15_000)).toBeCloseTo(Math.sqrt(0.05), 12);
    expect(shareAfter(20_000) / shareAfter(10_000)).toBeCloseTo(shareAfter(15_000) / shareAfter(5_000), 9);
    expect(shareAfter(30_000)).toBe(1);
  });

  test('a provider counts for all of its models, by its newest word', () => {
    const small = profileOf('small', 'beta', { providerBreaker: back });
    const swift = profileOf('swift', 'beta');
    const profiles = new Map([small, swift].map((profile) => [profile.model, profile]));
    const of = () => admissionsOf({ config, profileOf: (model) => profiles.get(model), nowMs });
    expect(of()).toEqual([null, { share: 0.05, kind: 'returning' }, { share: 0.05, kind: 'returning' }]);
    profiles.set('swift', profileOf('swift', 'beta', { providerBreaker: closed({ changedAtMs: nowMs + 1 }) }));
    expect(of()).toBeNull();
  });

  test('a breaker that never opened, and one without a ramp, take everything at once', () => {
    expect(admissionOf({ breaker: closed({ changedAtMs: nowMs }) })).toBeNull();
    const steep = configOf({ breaker: { rampMs: 0 } });
    const large = profileOf('large', 'alpha', { breaker: back });
    expect(admissionsOf({ config: steep, profileOf: () => large, nowMs: nowMs + 1 })).toBeNull();
  });
});

describe('what a clock that was ahead has written', () => {
  const dayMs = 86_400_000;

  test('keeps nobody out: a breaker may be probed, since nobody can say when its wait is over', () => {
    const open = (changedAtMs: number) =>
      closed({ health: 'OPEN', openings: 1, changedAtMs, probeAtMs: changedAtMs + 5_000 });
    expect(admissionOf({ breaker: open(nowMs + dayMs) })).toEqual({ share: 0.05, kind: 'waiting' });
    // Clocks of machines differ a little: these are within their wait.
    expect(admissionOf({ breaker: open(nowMs + 1_000) })).toBeNull();
    expect(mayBeProbed(open(nowMs + 1_000), nowMs)).toBe(false);
    expect(mayBeProbed(closed({ changedAtMs: nowMs + dayMs }), nowMs)).toBe(false);
  });

  test('makes nobody rest', () => {
    const resting = (atMs: number) => capacityOf({ restUntilMs: atMs + 30_000, changedAtMs: atMs, measuredAtMs: atMs });
    expect(admissionOf({ capacity: resting(nowMs) })).toEqual({ share: 0, kind: 'resting' });
    expect(admissionOf({ capacity: resting(nowMs + dayMs) })).toBeNull();
  });
});

describe('probes', () => {
  const half = closed({ health: 'HALF_OPEN', openings: 1, changedAtMs: nowMs });

  test('go on until one is under way; while it may hang there is none before the next turn', () => {
    const probes = createProbeMemory();
    const shareAt = (ms: number, breaker = half) => admissionOf({ breaker }, nowMs + ms, probes)!.share;
    // Turns begin after 0, 5, 15, 35 and 75 seconds.
    expect(shareAt(36_000)).toBe(0.05);
    probes.note(modelBreaker('large'), 'r1', nowMs + 36_000);
    probes.note(modelBreaker('large'), 'r2', nowMs + 37_000);
    expect(shareAt(36_200)).toBe(0.05);
    expect(shareAt(36_201)).toBe(0);
    expect(shareAt(74_999)).toBe(0);
    expect(shareAt(62_000, { ...half, probesSucceeded: 1 })).toBe(0.05);
    expect(shareAt(75_000)).toBe(0.05);
    // Open and half open again: nothing is known of new probes.
    probes.note(modelBreaker('large'), 'r3', nowMs + 75_000);
    expect(shareAt(76_000)).toBe(0);
    expect(shareAt(90_000, { ...half, changedAtMs: nowMs + 89_000 })).toBe(0.05);
  });

  test('are those of some partitions at a time, and as many in all; an answer makes room for everybody', () => {
    const sharesAt = (ms: number, breaker = half) =>
      [0, 1, 2, 3].map(
        (partition) =>
          admissionOf({ breaker, providerBreaker: breaker }, nowMs + ms, createProbeMemory(), {
            partition,
            partitions: 4,
          })!.share,
      );
    expect(sharesAt(0).sort()).toEqual([0, 0, 0, 0.2]);
    expect(sharesAt(5_000).sort()).toEqual([0, 0, 0.1, 0.1]);
    expect(sharesAt(15_000)).toEqual([0.05, 0.05, 0.05, 0.05]);
    expect(sharesAt(0, { ...half, probesSucceeded: 1 })).toEqual([0.05, 0.05, 0.05, 0.05]);
  });

  test('of a provider are those of one partition and one model at a time, whenever its models opened', () => {
    const later = (ms: number) => ({ ...half, changedAtMs: nowMs + ms });
    const profiles = new Map(
      [
        profileOf('small', 'beta', { breaker: later(-9_000), providerBreaker: later(0) }),
        profileOf('swift', 'beta', { breaker: later(700), providerBreaker: later(0) }),
      ].map((profile) => [profile.model, profile]),
    );
    const probes = createProbeMemory();
    const sharesAt = (ms: number) =>
      [0, 1, 2, 3].map((partition) =>
        admissionsOf({
          ...{ config, profileOf: (model: string) => profiles.get(model), nowMs: nowMs + ms },
          prober: { probes, partition, partitions: 4 },
        })!
          .slice(1)
          .map((one) => one!.share),
      );
    expect(sharesAt(1_000).sort()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0.2, 0.2],
    ]);
    for (const name of [modelBreaker('swift'), providerBreaker('beta')]) probes.note(name, 'r1', nowMs + 1_000);
    expect(sharesAt(1_201).flat()).toEqual(new Array(8).fill(0));
    expect(sharesAt(5_000).sort()).toEqual([
      [0, 0],
      [0, 0],
      [0.1, 0.1],
      [0.1, 0.1],
    ]);
  });

  test('that went elsewhere are none: the next request may probe', () => {
    const probes = createProbeMemory();
    const [large, small, alpha] = [modelBreaker('large'), modelBreaker('small'), providerBreaker('alpha')];
    const since = nowMs;
    const probedAtMs = () => [large, small, alpha].map((name) => probes.probedAtMs(name, since));
    expect(probedAtMs()).toEqual([null, null, null]);
    expect(probes.isWaiting()).toBe(false);
    for (const name of [large, small, alpha]) probes.note(name, 'r1', nowMs + 1);
    for (const name of [large, small, alpha]) probes.note(name, 'r2', nowMs + 2);
    expect(probedAtMs()).toEqual([nowMs + 1, nowMs + 1, nowMs + 1]);
    expect(probes.isWaiting()).toBe(true);
    probes.decided('r2', []);
    probes.decided('r1', [small, alpha]);
    expect(probes.isWaiting()).toBe(false);
    expect(probedAtMs()).toEqual([null, nowMs + 1, nowMs + 1]);
    // Told twice: what has been noted since is another request's.
    probes.note(large, 'r3', nowMs + 3);
    probes.decided('r1', [small]);
    expect(probedAtMs()).toEqual([nowMs + 3, nowMs + 1, nowMs + 1]);
  });

  test('of a provider, answered by one of its models, count for the others too', () => {
    const halfOpen = (probesSucceeded: number) =>
      closed({ health: 'HALF_OPEN', openings: 1, changedAtMs: nowMs, probesSucceeded });
    const probes = createProbeMemory();
    const profiles = new Map(
      [
        profileOf('small', 'beta', { providerBreaker: halfOpen(0) }),
        profileOf('swift', 'beta', { providerBreaker: halfOpen(1) }),
      ].map((profile) => [profile.model, profile]),
    );
    const prober = { probes, ...alone };
    const of = (nowMs: number) => admissionsOf({ config, profileOf: (model) => profiles.get(model), nowMs, prober });
    of(nowMs);
    probes.note(providerBreaker('beta'), 'r1', nowMs);
    const waiting = { share: 0.05, kind: 'waiting' };
    expect(of(nowMs + 60_000)).toEqual([null, waiting, waiting]);
  });

  test('of one model are not those of the provider with its name', () => {
    const probes = createProbeMemory();
    expect(admissionOf({ breaker: half }, nowMs, probes)).toEqual({ share: 0.05, kind: 'waiting' });
    probes.note(providerBreaker('large'), 'r1', nowMs);
    expect(admissionOf({ breaker: half }, nowMs + 10_000, probes)!.share).toBe(0.05);
  });

  test('an open breaker whose wait is over is probed, though nobody has written so', () => {
    const over = closed({ health: 'OPEN', openings: 1, probeAtMs: nowMs - 1 });
    expect(admissionOf({ breaker: over })).toEqual({ share: 0.05, kind: 'waiting' });
  });

  test('need no request where the engine calls the provider by itself', () => {
    const called = configOf({ providers: { alpha: { kind: 'demo', probe: {} } } });
    const of = (breaker: Breaker, atMs: number) =>
      admissionsOf({ config: called, profileOf: () => profileOf('large', 'alpha', { breaker }), nowMs: atMs })?.[0] ??
      null;
    expect(of(half, nowMs)).toEqual({ share: 0, kind: 'waiting' });
    expect(of({ ...half, probesSucceeded: 1 }, nowMs)).toEqual({ share: 0, kind: 'waiting' });
    // Nobody has called it: it comes back as it would without.
    expect(of(half, nowMs + 120_001)!.share).toBeGreaterThan(0.04);
    expect(of(closed({ openings: 1, changedAtMs: nowMs }), nowMs)).toEqual({ share: 0.05, kind: 'returning' });
  });

  test('what nobody has probed with an answer for as long as the longest wait returns by itself', () => {
    // It has opened once, for five seconds, and so is back in ten.
    expect(admissionOf({ breaker: half }, nowMs + 120_000 + 5_000)!.share).toBeCloseTo(Math.sqrt(0.05), 12);
    expect(admissionOf({ breaker: half }, nowMs + 120_000 + 10_000)!.share).toBe(1);
  });
});

describe('capacity', () => {
  test('a share below 1 grows by itself; who rests takes nothing', () => {
    const capacity = capacityOf({ share: 0.4 });
    expect(admissionOf({ capacity })).toEqual({ share: 0.4, kind: 'limited' });
    expect(shareAt(capacity, nowMs + 30_000)).toBeCloseTo(0.5, 12);
    expect(admissionOf({ capacity }, nowMs + 180_000)).toBeNull();
    expect(admissionOf({ capacity: capacityOf({ restUntilMs: nowMs + 1 }) })).toEqual({ share: 0, kind: 'resting' });
  });

  test('the least of all shares counts', () => {
    const [capacity, providerCapacity] = [capacityOf({ share: 0.4 }), capacityOf({ share: 0.2 })];
    expect(admissionOf({ capacity, providerCapacity })!.share).toBe(0.2);
    expect(admissionOf({ capacity, breaker: closed({ openings: 1, changedAtMs: nowMs }) })!.kind).toBe('returning');
  });
});

test('law: whatever the state says, a share is one', () => {
  const time = fc.integer({ min: -(2 ** 53), max: 2 ** 53 });
  const breaker = fc.record({
    health: fc.constantFrom('CLOSED' as const, 'HALF_OPEN' as const, 'OPEN' as const),
    failures: fc.double(),
    changedAtMs: time,
    openings: fc.integer(),
    probeAtMs: fc.option(time),
    probesSucceeded: fc.integer(),
    changes: fc.constant<BreakerChange[]>([]),
  });
  const capacity = fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    changedAtMs: time,
    restUntilMs: time,
    callsPerMinute: fc.double(),
    refusedPerMinute: fc.double(),
    refusedLately: fc.double(),
    tokensPerMinute: fc.double(),
    concurrent: fc.double(),
    measuredAtMs: time,
  });
  fc.assert(
    fc.property(breaker, breaker, fc.option(capacity), time, (model, provider, taken, atMs) => {
      const admission = admissionOf({ breaker: model, providerBreaker: provider, capacity: taken }, atMs);
      if (admission === null) return;
      expect(admission.share).toBeGreaterThanOrEqual(0);
      expect(admission.share).toBeLessThanOrEqual(1);
    }),
  );
});

test('the newest profile says how old the state is', () => {
  const [large, small] = [profileOf('large', 'a', { updatedAtMs: 5 }), profileOf('small', 'b', { updatedAtMs: 9 })];
  expect(newestProfileMs({ config, profileOf: (model) => [large, small].find((one) => one.model === model) })).toBe(9);
  expect(newestProfileMs({ config, profileOf: () => undefined })).toBeNull();
});
