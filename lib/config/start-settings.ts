/**
 * The settings that a process reads once, when it starts: everything else is live. Services are declared from these
 * alone, so the list cannot say less than there is.
 */
import { dictionaryOf } from '../dictionary';
import type { RouterConfig } from './router-config';

interface StartSetting<T> {
  readonly path: string;
  /** Who has to be started anew. */
  readonly readBy: string;
  readonly read: (config: RouterConfig) => T;
}

function readAtStart<T>(path: string, readBy: string, read: (config: RouterConfig) => T): StartSetting<T> {
  return { path, readBy, read };
}

const startSettings = {
  maxSessions: readAtStart('limits.maxSessions', 'route-intake', ({ limits }) => limits.maxSessions),
  sessionTtlMs: readAtStart('limits.sessionTtlMs', 'route-intake', ({ limits }) => limits.sessionTtlMs),
  maxPendingRoutes: readAtStart('limits.maxPendingRoutes', 'route-collapse', ({ limits }) => limits.maxPendingRoutes),
  cacheTtlMs: readAtStart('cache.ttlMs', 'strategy-threads', ({ cache }) => cache.ttlMs),
  windowMs: readAtStart('feedback.windowMs', 'reward-feedback', ({ feedback }) => feedback.windowMs),
  maxAwaited: readAtStart('feedback.maxAwaited', 'reward-feedback', ({ feedback }) => feedback.maxAwaited),
  // Draws are seeded with it; the learner takes another one over as a new lineage.
  seed: readAtStart('seed', 'every service', ({ seed }) => seed),
};

export type StartSettings = {
  readonly [K in keyof typeof startSettings]: ReturnType<(typeof startSettings)[K]['read']>;
};

export function startSettingsOf(config: RouterConfig): StartSettings {
  const read = Object.entries(startSettings).map(([key, setting]) => [key, setting.read(config)] as const);
  return dictionaryOf(read) as StartSettings;
}

/** One line for each setting that differs and is in force only after a restart, and of whom. */
export function restartsNeeded(before: RouterConfig, after: RouterConfig): string[] {
  return Object.values(startSettings)
    .filter(({ read }) => read(before) !== read(after))
    .map(({ path, readBy }) => `${path}: needs a restart of ${readBy}`);
}
