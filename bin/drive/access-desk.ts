/** Where the commands find keys and the audit trail: at a gateway, or in the log of a cluster or of a stopped engine. */

import { createKeyDesk, describeKey, KeyRefusedError } from '../../lib/access/key-desk';
import { readAudit } from '../../lib/audit/audit-trail';
import { findStore } from '../find-store';
import { askGateway, type GatewayAddress } from '../gateway-client';
import { CliError, type Io } from '../io';
import { atGatewayOrLog, openLog, type WhereOptions } from './gateway-or-log';

export type ShownKey = ReturnType<typeof describeKey>;

export interface ShownNewKey {
  readonly secret: string;
  readonly key: ShownKey;
}

export interface ShownChange {
  readonly atMs: number;
  readonly who: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly note: string;
}

export interface AccessDesk {
  list(): Promise<readonly ShownKey[]>;
  create(wish: object): Promise<ShownNewKey>;
  revoke(keyId: string): Promise<ShownKey>;
  rotate(keyId: string, graceMs: number): Promise<ShownNewKey>;
  audit(limit: number): Promise<readonly ShownChange[]>;
}

/** By default a running gateway is asked, and where there is none, the store here that was written last. */
export async function atAccessDesk(
  io: Io,
  options: WhereOptions,
  use: (desk: AccessDesk) => Promise<void>,
  /** Whether a store that is named may be a new one: the first key can be made before the first start. */
  mayBegin = false,
): Promise<void> {
  const { dataDir, kafka } = options;
  const isNamed = mayBegin && dataDir !== undefined;
  await atGatewayOrLog(io, options, {
    gateway: (gateway) => use(gatewayDesk(gateway)),
    log: () => atLog(io, options, kafka !== undefined ? '' : isNamed ? dataDir : findStore(io, dataDir), use),
  });
}

function gatewayDesk(gateway: GatewayAddress): AccessDesk {
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    askGateway<T>(gateway, method, path, body);
  const at = (keyId: string): string => `/v1/keys/${encodeURIComponent(keyId)}`;
  return {
    list: async () => (await call<{ keys: ShownKey[] }>('GET', '/v1/keys')).keys,
    create: (wish) => call('POST', '/v1/keys', wish),
    revoke: (keyId) => call('POST', `${at(keyId)}/revoke`),
    rotate: (keyId, graceMs) => call('POST', `${at(keyId)}/rotate`, { graceMs }),
    audit: async (limit) => (await call<{ records: ShownChange[] }>('GET', `/v1/audit?limit=${limit}`)).records,
  };
}

async function atLog(
  io: Io,
  options: WhereOptions,
  dataDir: string,
  use: (desk: AccessDesk) => Promise<void>,
): Promise<void> {
  const home = await openLog(io, options, dataDir);
  const { broker, clock, topicPrefix } = home;
  const desk = createKeyDesk({ broker, clock, topicPrefix, name: home.createId() });
  const by = `command line (${io.environment['USER'] || 'somebody'})`;
  const shown = (key: Parameters<typeof describeKey>[0]): ShownKey => describeKey(key, clock.nowMs());
  const shownNew = ({ key, secret }: { key: Parameters<typeof describeKey>[0]; secret: string }): ShownNewKey => ({
    key: shown(key),
    secret,
  });
  try {
    await use({
      list: async () => (await desk.list()).map(shown),
      create: async (wish) => shownNew(await desk.create(wish, by)),
      revoke: async (keyId) => shown(await desk.revoke(keyId, by)),
      rotate: async (keyId, graceMs) => shownNew(await desk.rotate(keyId, graceMs, by)),
      audit: (limit) => readAudit(broker, topicPrefix, limit),
    });
  } catch (error) {
    throw error instanceof KeyRefusedError ? new CliError(error.message) : error;
  } finally {
    await desk.close();
    await home.close();
  }
}
