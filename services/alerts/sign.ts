/** What a webhook is sent, and how it can tell that we have sent it: as https://www.standardwebhooks.com asks for. */
import { createHmac } from 'node:crypto';
import { isoText } from '../../lib/topics/calendar-time';
import type { Alert } from '../../lib/topics/generated/messages';

export interface Delivery {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `atMs`: of this attempt; receivers refuse what was signed long ago. The id stays, so what comes twice can be told. */
export function deliveryOf(alert: Alert, secret: string | null, atMs: number): Delivery {
  const { notify: _notify, ...shown } = alert;
  const body = JSON.stringify({
    type: `alert.${alert.state.toLowerCase()}`,
    timestamp: isoText(alert.changedAtMs),
    data: shown,
  });
  // Whole characters: a tenant's name may have some of two halves, and no half can be written by itself.
  const id = `${alert.alertId}/${alert.state}/${alert.changedAtMs}`.replace(/[^\x21-\x7e]/gu, (char) =>
    encodeURIComponent(char),
  );
  const timestamp = String(Math.floor(atMs / 1_000));
  const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === null) return { body, headers };
  return {
    body,
    headers: { ...headers, 'webhook-signature': `v1,${signatureOf(secret, `${id}.${timestamp}.${body}`)}` },
  };
}

/** Base64 of HMAC-SHA256. A secret that begins with `whsec_` is the base64 of its bytes, any other is its own text. */
function signatureOf(secret: string, signed: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return createHmac('sha256', key).update(signed).digest('base64');
}
