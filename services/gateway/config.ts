/** The gateway's own settings and their limits. They concern one process, so they are not part of the shared configuration. */
import type { Role } from '../../lib/access/roles';
import type { TlsFiles } from './http/tls-files';

/**
 * What somebody without a key or token may do. `loopback`: everything, where only this machine reaches the port, until there
 * is a key or an issuer. A role: that, wherever the request comes from. `never`: nothing.
 */
export type Anonymous = Role | 'loopback' | 'never';

export interface GatewaySettings {
  /** Where to listen. Port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** Certificate and key to speak TLS with; null: plain HTTP. */
  readonly tls: TlsFiles | null;
  /** Where the routes of viewers, operators and admins are, and no longer at `port`; null: at the same. */
  readonly adminPort: number | null;
  readonly adminHost: string;
  readonly anonymous: Anonymous;
  /** Keys of an issuer that are not known are asked for at most so often. */
  readonly jwksCooldownMs: number;
  /** How long a request waits for its decision beyond its thread time-out. */
  readonly decisionGraceMs: number;
  /** How long a promotion or a rollback waits for the trainer's answer; a trial's events may have to be read first. */
  readonly trainerTimeoutMs: number;
  /** Requests that may wait for their decision at once; more are answered 503. */
  readonly maxInFlight: number;
  /**
   * Bytes of a request body, as sent and as decompressed; more is answered 413. Well above `limits.maxPromptBytes`, since
   * JSON escapes.
   */
  readonly maxBodyBytes: number;
  /** The same of a call of a model, which may hold pictures and documents. A megabyte holds up all others for some milliseconds. */
  readonly maxCallBytes: number;
  /** Bytes of bodies held at once, over all connections, until their answers are sent; the largest that is still arriving is answered 503. */
  readonly maxBodyBytesInFlight: number;
  /** Open connections; further ones are closed at once. */
  readonly maxConnections: number;
  /** The headers of a request must be there by then, else it is answered 408 and the connection closed. */
  readonly headersTimeoutMs: number;
  /** The whole request, with its body, must be there by then, else 408 likewise. */
  readonly requestTimeoutMs: number;
  /** How often the two time-outs above are looked at. */
  readonly timeoutCheckMs: number;
  /** A connection without a request is closed after this long: later than a usual load balancer (60 s) gives it up. */
  readonly keepAliveTimeoutMs: number;
  /** A connection on which nothing moves in either direction is closed: longer than the longest wait for a decision. */
  readonly idleTimeoutMs: number;
  /** Decisions of this gateway kept in memory, and as many of the newest in the log read when it starts. */
  readonly maxRecentDecisions: number;
  /** Routing keys of decisions with a session kept for their outcomes. */
  readonly maxRoutingKeys: number;
  /** Newest records per partition searched for a decision that is not in memory. */
  readonly maxScannedRecords: number;
  /** Newest records per partition searched for the decision of a report that says all but whether it exists. */
  readonly maxReportScannedRecords: number;
  /** Newest outcomes of a partition searched for earlier reports of a decision that was made before this gateway started. */
  readonly maxRecalledOutcomes: number;
  /** Reports kept in memory to answer a contradiction at once. */
  readonly maxRememberedReports: number;
  /** How much longer than for its threads a call of a model waits for its decision while the engine does not answer. */
  readonly hastyGraceMs: number;
  /** Calls of models that are decided at once while others wait for their turn (doors/take-turns.ts). */
  readonly callsAtOnce: number;
  /** One call of a model at the door, from its first byte to the last of its answer, all attempts together. */
  readonly callTimeoutMs: number;
  /** A caller who takes nothing of a stream for so long is given up. */
  readonly slowReaderMs: number;
  /** How often it is asked after responses in the background that another gateway has begun to follow: it may be gone. */
  readonly followOthersEveryMs: number;
  /** Viewers of /v1/live at once. */
  readonly maxViewers: number;
  /** Events that wait for a viewer who is slow; what comes beyond is counted, and the viewer told. */
  readonly maxQueuedEvents: number;
  /** Longest wait before a model that asked for it is called again within one call. */
  readonly maxRetryWaitMs: number;
  /** Where a trace is looked at, with `{traceId}` in it; null: nobody has said. */
  readonly traceUrl: string | null;
  /** It serves the command that has started it and nobody else: nothing is said of who may ask, and of what others would report. */
  readonly isForCommand: boolean;
}

export const defaultGatewaySettings: GatewaySettings = {
  host: '127.0.0.1',
  port: 8080,
  tls: null,
  adminPort: null,
  adminHost: '127.0.0.1',
  anonymous: 'loopback',
  jwksCooldownMs: 30_000,
  decisionGraceMs: 2_000,
  trainerTimeoutMs: 30_000,
  maxInFlight: 4_096,
  maxBodyBytes: 2_097_152,
  maxCallBytes: 4_194_304,
  maxBodyBytesInFlight: 67_108_864,
  maxConnections: 8_192,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  timeoutCheckMs: 1_000,
  keepAliveTimeoutMs: 72_000,
  idleTimeoutMs: 120_000,
  maxRecentDecisions: 2_000,
  maxRoutingKeys: 100_000,
  maxScannedRecords: 50_000,
  maxReportScannedRecords: 5_000,
  maxRecalledOutcomes: 1_000,
  maxRememberedReports: 20_000,
  hastyGraceMs: 100,
  callsAtOnce: Infinity,
  callTimeoutMs: 600_000,
  slowReaderMs: 60_000,
  followOthersEveryMs: 60_000,
  maxViewers: 1_000,
  maxQueuedEvents: 500,
  maxRetryWaitMs: 20_000,
  traceUrl: null,
  isForCommand: false,
};

/** What is said of a gateway when it is started: where it listens, how, and to whom. */
export type ListenSettings = Pick<GatewaySettings, 'host' | 'port'> &
  Partial<
    Pick<
      GatewaySettings,
      | 'tls'
      | 'adminPort'
      | 'adminHost'
      | 'anonymous'
      | 'maxCallBytes'
      | 'traceUrl'
      | 'isForCommand'
      | 'followOthersEveryMs'
    >
  >;
