/**
 * Delivers alerts to webhooks: only to addresses of the configuration, without following redirects, a few at a time, and
 * again with growing waits where it fails. Nothing here throws: what cannot be delivered is counted and logged.
 *
 * The first attempt is made before the position in the log moves, so a crash loses no alert that nobody was told of. Further
 * attempts wait in memory.
 */

import type { Environment } from '../../lib/config/expand-references';
import { severities, type WebhookConfig } from '../../lib/config/schema/alert-schema';
import type { Clock } from '../../lib/ports/clock';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Alert } from '../../lib/topics/generated/messages';
import { deliveryOf } from './sign';

export interface DelivererOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly environment: Environment;
}

export interface Deliverer {
  /** Resolves when each was tried once. Never rejects. */
  deliver(alerts: readonly Alert[], webhooks: readonly WebhookConfig[], nowMs: number): Promise<void>;
  /** Gives up what waits for another attempt. */
  stop(): void;
}

type Result = 'delivered' | 'failed' | 'given-up' | 'queue-full' | 'not-configured';

const timeoutMs = 5_000;
const retryWaitsMs = [1_000, 5_000, 30_000, 120_000, 600_000] as const;
/** Deliveries that wait for another attempt. */
const maxWaiting = 256;
/** What has changed longer ago is no news, as after a long standstill. */
const maxAgeMs = 3_600_000;
const maxAnswerBytes = 65_536;

export function createDeliverer({ clock, log, metrics, environment }: DelivererOptions): Deliverer {
  const waiting = new Map<() => void, string>();
  /** What was last to be told of an alert, by webhook and alert, while it is not delivered. */
  const newest = new Map<string, Alert>();
  /** Stops so far: what was begun before the last one is not tried again. */
  let stops = 0;

  const count = (webhook: WebhookConfig, result: Result): void =>
    metrics.count('quantum_router_alert_webhooks_total', { webhook: webhook.name, result });

  const attempt = async (alert: Alert, webhook: WebhookConfig, tries: number): Promise<void> => {
    const target = targetOf(webhook, environment);
    if (typeof target === 'string') {
      count(webhook, 'not-configured');
      log.error('an alert cannot be delivered', { webhook: webhook.name, alert: alert.alertId, reason: target });
      return;
    }
    const begunAfter = stops;
    const key = JSON.stringify([webhook.name, alert.alertId]);
    if (tries === 0) newest.set(key, alert);
    // Whoever is told that it has stopped must not be told afterwards that it rings.
    const isOutdated = (): boolean => newest.get(key) !== alert;
    const end = (result: Result): void => {
      count(webhook, result);
      if (!isOutdated()) newest.delete(key);
    };
    const reason = isOutdated() ? 'there is newer word of it' : await send(alert, target, clock.nowMs());
    if (reason === null) {
      end('delivered');
      return;
    }
    if (!isOutdated()) count(webhook, 'failed');
    const waitMs = retryWaitsMs[tries];
    const facts = { webhook: webhook.name, alert: alert.alertId, reason };
    if (isOutdated()) {
      end('given-up');
      log.warn('an alert could not be delivered, and there is newer word of it: it is not tried again', facts);
    } else if (waitMs === undefined || stops > begunAfter) {
      end('given-up');
      log.error('an alert could not be delivered and is given up', facts);
    } else if (waiting.size >= maxWaiting) {
      end('queue-full');
      log.error('too many alerts wait to be delivered; this one is given up', facts);
    } else {
      log.warn('an alert could not be delivered; it is tried again', { ...facts, waitMs });
      const cancel = clock.setTimer(waitMs, () => {
        waiting.delete(cancel);
        void attempt(alert, webhook, tries + 1);
      });
      waiting.set(cancel, key);
    }
  };

  return {
    async deliver(alerts, webhooks, nowMs) {
      const told = alerts.filter(({ notify, changedAtMs }) => notify && changedAtMs > nowMs - maxAgeMs);
      const byAlert = new Map<string, Alert[]>();
      for (const alert of told) byAlert.set(alert.alertId, [...(byAlert.get(alert.alertId) ?? []), alert]);
      await Promise.all(
        [...byAlert.values()].flatMap((ofOne) =>
          webhooks.map(async (webhook) => {
            // What is said of one alert comes in order.
            for (const alert of ofOne) if (isWanted(alert, webhook)) await attempt(alert, webhook, 0);
          }),
        ),
      );
    },
    stop() {
      stops++;
      if (waiting.size > 0) log.warn('alerts are not delivered: this process stops', { alerts: waiting.size });
      for (const [cancel, key] of waiting) {
        cancel();
        newest.delete(key);
      }
      waiting.clear();
    },
  };
}

function isWanted({ severity }: Alert, { minSeverity }: WebhookConfig): boolean {
  return severities.indexOf(severity) >= severities.indexOf(minSeverity);
}

interface Target {
  readonly url: URL;
  readonly secret: string | null;
}

/** Why there is none, which repeats nothing that may be secret. */
function targetOf({ url, urlEnv, secretEnv }: WebhookConfig, environment: Environment): Target | string {
  const address = urlEnv === null ? url : (environment[urlEnv] ?? null);
  if (address === null) return urlEnv === null ? 'it has no address' : `the environment has no ${urlEnv}`;
  const parsed = URL.canParse(address) ? new URL(address) : null;
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol) || parsed.username + parsed.password !== '')
    return `${urlEnv ?? 'url'} is no address that starts with https:// or http://, without a user in it`;
  const secret = secretEnv === null ? null : (environment[secretEnv] ?? '');
  return secret === '' ? `the environment has no ${secretEnv}` : { url: parsed, secret };
}

/** Null when it was taken, else why not. */
async function send(alert: Alert, { url, secret }: Target, nowMs: number): Promise<string | null> {
  try {
    // Read at the first delivery: a client for HTTP is much code, and most processes deliver no alert.
    const { request } = await import('undici');
    const { statusCode, body } = await request(url, {
      method: 'POST',
      ...deliveryOf(alert, secret, nowMs),
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Of what it says nothing is kept, and a redirect is not followed: it could lead anywhere.
    await body.dump({ limit: maxAnswerBytes });
    return statusCode >= 200 && statusCode < 300 ? null : `it answered ${statusCode}`;
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException;
    return name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (code ?? name);
  }
}
