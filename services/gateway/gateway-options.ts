/** What a gateway is started with. */
import type { Environment } from '../../lib/config/expand-references';
import type { Broker } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import type { KeyValueShare } from '../../lib/ports/key-value';
import type { TokenBuckets } from '../../lib/ports/token-buckets';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { GatewaySettings } from './config';
import type { UntoldCalls } from './doors/untold-calls';
import type { FaultsHere } from './endpoint';
import type { Door } from './http/open-door';

export interface GatewayOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Fresh ids: for this gateway and for requests without one. */
  readonly createId: () => string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly requestPathPartitions: number;
  readonly topicPrefix?: string;
  readonly settings?: Partial<GatewaySettings>;
  /** How often callers may ask, counted with other gateways; left out, each counts by itself. */
  readonly tokenBuckets?: TokenBuckets;
  /** Where gateways keep what responses have said, for each other or for a restart; left out, each keeps it by itself. */
  readonly keptItems?: KeyValueShare;
  /** Where it listens already; by default the gateway opens a door of its own. It belongs to the gateway from now on. */
  readonly door?: Door;
  /** Where the keys of providers are, by the names that the configuration gives; by default there are none. */
  readonly environment?: Environment;
  /** What else is not ready (services that are still restoring); empty when all is. */
  readonly waitingFor?: () => readonly string[];
  /** Further facts for /health. */
  readonly status?: () => Readonly<Record<string, unknown>>;
  /** Why services of this very process could not run under a configuration, field by field; by default nothing is known of them. */
  readonly faultsHere?: FaultsHere;
  /** The log can no longer be followed: the gateway must be started anew. */
  readonly onFailed: (error: Error) => void;
  /** Calls that were made without a decision before; by default there are none. */
  readonly untold?: UntoldCalls;
  /** Where what a start needs to know while the log is away is kept; by default nowhere. */
  readonly standbyFile?: string | null;
}
