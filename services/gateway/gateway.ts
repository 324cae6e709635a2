/**
 * The HTTP door of the engine: produces requests and outcomes, consumes decisions. It has a life of its own beside the
 * services, since it serves connections instead of partitions; every gateway follows all decisions from latest and keeps
 * those addressed to it.
 */
import type { Log } from '../../lib/telemetry/log';
import { type Identifier, isLoopbackHost } from './access/who-is-asking';
import { defaultGatewaySettings, type GatewaySettings } from './config';
import { type Connection, connect } from './connect';
import { abandonUntold, createUntoldCalls } from './doors/untold-calls';
import { endpointsOf } from './endpoints';
import type { GatewayOptions } from './gateway-options';
import { type Door, openDoor } from './http/open-door';
import { serveEndpoints } from './http/serve-endpoints';
import type { PolicyJudge } from './learning/judge-apart';
import type { StandbyState } from './standby/standby-state';

export interface Gateway {
  /** Identifies this gateway in `reply-to` headers. */
  readonly id: string;
  readonly port: number;
  readonly url: string;
  /** Where administration has a port of its own; null where it has none. */
  readonly adminUrl: string | null;
  /** As GET /v1/analytics/counterfactuals. */
  readonly judge: PolicyJudge;
  /** Stops accepting, lets waiting requests finish, then closes. */
  stop(): Promise<void>;
}

/** Resolves once it listens and is positioned: no decision of a later request can be missed. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = { ...defaultGatewaySettings, ...options.settings };
  const door = options.door ?? (await openDoor(settings, options.metrics, options.log));
  let connection: Connection | null = null;
  const untold = options.untold ?? createUntoldCalls(options.metrics);
  try {
    connection = await connect({ ...options, untold }, settings, null);
    const { context, gate } = connection;
    const server = serveEndpoints(endpointsOf(connection), { context, gate, door, log: options.log });
    await server.ready();
    door.handOver((request, response) => server.routing(request, response));
    options.log.info('gateway listens', {
      url: door.url,
      gateway: context.id,
      ...(door.admin && { admin: door.admin }),
    });
    if (!settings.isForCommand) sayWhoMayAsk(gate.identifier, settings, door, options.log);
    const { close } = connection;
    return {
      id: context.id,
      port: door.port,
      url: door.url,
      adminUrl: door.admin,
      judge: context.analytics.judge,
      async stop() {
        const closed = door.close();
        // Else they would watch for ever.
        await context.live.hub.close();
        await server.close();
        await closed;
        // Requests whose callers have gone are still waiting: let their decisions come, too.
        await Promise.allSettled([...context.underWay.values()].map(({ decided }) => decided));
        await close();
        abandonUntold(untold, options.log);
      },
    };
  } catch (error) {
    await door.close();
    await connection?.close();
    throw error;
  }
}

/** A gateway that answers calls of models and nothing else. */
export interface StandIn {
  /** Resolves when what is under way has been answered. The door, which somebody else has by then, stays open. */
  retire(): Promise<void>;
}

/** `options.broker` has what is known of the log; `options.door` is left open, whatever happens. */
export async function createStandIn(
  options: GatewayOptions & Required<Pick<GatewayOptions, 'door' | 'untold'>>,
  standby: StandbyState,
): Promise<StandIn> {
  const { door, log } = options;
  const connection = await connect(options, { ...defaultGatewaySettings, ...options.settings }, standby);
  const { context, gate } = connection;
  const server = serveEndpoints(endpointsOf(connection), { context, gate, door, log });
  await server.ready();
  const underWay = new Set<Promise<void>>();
  door.handOver((request, response) => {
    const answered = new Promise<void>((resolve) => response.once('close', resolve));
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
    server.routing(request, response);
  });
  return {
    async retire() {
      await Promise.all(underWay);
      await server.close();
      await connection.close();
    },
  };
}

/** Whoever needs no key here should not be a surprise to whoever runs it. */
function sayWhoMayAsk(
  identifier: Identifier,
  { host, adminHost, adminPort }: GatewaySettings,
  door: Door,
  log: Log,
): void {
  const ports = [{ url: door.url, host }, ...(adminPort === null ? [] : [{ url: door.admin ?? '', host: adminHost }])];
  for (const { url, host: at } of ports) {
    const open = identifier.anonymousRole(isLoopbackHost(at));
    if (open === null) log.info('everybody needs a key or a token here', { url });
    else if (open.why === 'loopback')
      log.info('nobody needs a key here: only this machine reaches the port, and there is no key yet', {
        ...{ url, role: open.role },
        end: 'the first key (quantum-router keys create) ends it',
      });
    else log.warn('nobody needs a key here: whoever reaches the port has this role', { url, role: open.role });
  }
}
