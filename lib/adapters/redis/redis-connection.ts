/**
 * One connection that never makes its callers wait for long: no queue while it is away, a limit on what is outstanding,
 * a time limit on every round trip, and after one that took too long nothing is sent until a probe is answered in time.
 */
import { createConnection } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis } from 'ioredis';
import { TransientError } from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { RedisEndpoint } from './redis-settings';

export interface RedisConnectionOptions {
  readonly endpoint: RedisEndpoint;
  /** What the server's list of clients calls it. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly maxPending: number;
  readonly clock: Clock;
  /** A key of our own, written for a moment to see whether Redis answers, and takes what is written. */
  readonly probeKey: string;
  /** Called at every change between answering and not. */
  readonly onChange: () => void;
}

export interface RedisConnection {
  readonly up: boolean;
  /** Why it is not up; '' while it is. */
  readonly reason: string;
  /** Resolves when the first try to connect has ended, well or not. */
  readonly tried: Promise<void>;
  /**
   * Runs one round trip. Rejects with a TransientError: at once while Redis is away or too much is outstanding, after
   * `timeoutMs` otherwise. Rejects with a plain Error when Redis would always refuse the command.
   */
  run<T>(send: (client: Redis) => Promise<T>): Promise<T>;
  close(): void;
}

/** Between two tries to see whether a Redis that took too long answers again. */
const probeIntervalMs = 1_000;
const connectTimeoutMs = 2_000;
/** How long a closing connection waits for the other side; its timer holds the process. */
const disconnectTimeoutMs = 200;
const maxReconnectDelayMs = 2_000;
/** A socket that has been silent for so many time limits is dead: a network that swallows packets closes nothing. */
const silentTimeouts = 10;
/** Of a replica: another server is the primary now, which a new connection to the same address may lead to. */
const replicaError = /^READONLY\b/;
/** These are about the key, not about the state of the server: a later try would meet them again. */
const permanentError = /^(WRONGTYPE|NOTCOUNTER)\b/;

class LateError extends TransientError {}

export function openRedisConnection(options: RedisConnectionOptions): RedisConnection {
  const { endpoint, timeoutMs, maxPending, clock, probeKey, onChange } = options;
  const { address } = endpoint;
  const client = connect(options);
  let up = false;
  let closed = false;
  let pending = 0;
  let reason = 'not connected yet';
  /** Whether what we were connected to last is a replica. */
  let isReplica = false;
  let cancelProbe = (): void => {};

  const change = (nowUp: boolean, why: string): void => {
    reason = why;
    if (up === nowUp || closed) return;
    up = nowUp;
    onChange();
  };
  client.on('error', (error: Error) => {
    reason = reasonOf(error, endpoint);
  });
  client.on('ready', () => {
    if (isReplica) probe();
    else change(true, '');
  });
  client.on('close', () => {
    cancelProbe();
    change(false, reason === '' ? 'the connection was closed' : reason);
  });

  const attempt = <T>(send: (to: Redis) => Promise<T>, onLate: () => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        reject(new LateError(`Redis at ${address} did not answer within ${timeoutMs} ms`));
        onLate();
      };
      let settled = false;
      // When this process itself was busy, the answer may be here and only not read yet: it is read before `setImmediate`.
      const cancel = clock.setTimer(timeoutMs, () => setImmediate(() => !settled && giveUp()));
      const settle = (): void => {
        settled = true;
        pending--;
        cancel();
      };
      pending++;
      send(client).then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: Error) => {
          settle();
          if (replicaError.test(error.message)) leaveReplica(reasonOf(error, endpoint));
          reject(portError(error, endpoint));
        },
      );
    });

  const away = (): void => {
    if (!up) return;
    change(false, `no answer within ${timeoutMs} ms`);
    probeSoon();
  };
  const leaveReplica = (why: string): void => {
    if (isReplica) return;
    isReplica = true;
    change(false, why);
    cancelProbe();
    cancelProbe = clock.setTimer(probeIntervalMs, () => client.disconnect(true));
  };
  const probeSoon = (): void => {
    cancelProbe = clock.setTimer(probeIntervalMs, probe);
  };
  const probe = (): void => {
    if (client.status !== 'ready') return;
    isReplica = false;
    // Late: tried again. Whatever else it says, it answers. Closed: connecting again says when it is back.
    const answered = (): void => {
      if (client.status === 'ready' && !isReplica) change(true, '');
    };
    attempt((to) => to.set(probeKey, '', 'PX', 1), probeSoon).then(answered, (error: Error) => {
      if (!(error instanceof LateError)) answered();
    });
  };

  return {
    get up() {
      return up;
    },
    get reason() {
      return reason;
    },
    tried: new Promise((resolve) => {
      client.once('ready', resolve);
      client.once('close', resolve);
    }),
    async run(send) {
      if (closed) throw new Error('the key-value store is closed');
      if (!up) throw new TransientError(`Redis at ${address} is not reachable: ${reason}`);
      if (pending >= maxPending) {
        throw new TransientError(`Redis at ${address} has ${pending} commands to answer, which is the limit`);
      }
      return attempt(send, away);
    },
    close() {
      closed = true;
      up = false;
      cancelProbe();
      client.disconnect();
    },
  };
}

function connect({ endpoint, name, timeoutMs }: RedisConnectionOptions): Redis {
  const { host, port, database, username, password } = endpoint;
  return new Redis({
    Connector: connectorTo(endpoint),
    // What traces call it.
    host,
    port,
    db: database,
    ...(username !== null && { username }),
    ...(password !== null && { password }),
    connectionName: name,
    // What RESP3 adds is not needed, and many a proxy speaks only RESP2.
    protocol: 2,
    // Nothing waits for a connection, and nothing is sent twice: both would come too late for whoever asked.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectTimeoutMs,
    socketTimeout: timeoutMs * silentTimeouts,
    retryStrategy: (tries) => Math.min(maxReconnectDelayMs, 50 * 2 ** Math.min(tries, 10)),
  });
}

/**
 * The client's own connector listens to the first error of a socket only. A TLS socket that is closed during its handshake
 * has a second one, which would be nobody's and so end the process.
 */
function connectorTo({ host, port, tls }: RedisEndpoint): new () => AbstractConnector {
  return class extends AbstractConnector {
    constructor() {
      super(disconnectTimeoutMs);
    }
    async connect() {
      this.connecting = true;
      const socket = tls ? connectTls({ host, port, ...tls }) : createConnection({ host, port });
      socket.on('error', (error) => {
        this.firstError = error;
      });
      this.stream = socket;
      return socket;
    }
  };
}

/** Errors of the client carry the command with its arguments (values, the password): only their message may go on. */
function portError(error: Error, endpoint: RedisEndpoint): Error {
  if (permanentError.test(error.message)) return new Error(masked(error.message, endpoint));
  return new TransientError(`Redis at ${endpoint.address}: ${reasonOf(error, endpoint)}`);
}

/** What went wrong and, where it is a setting, which one to look at. */
function reasonOf(error: Error, endpoint: RedisEndpoint): string {
  const message = masked(error.message, endpoint);
  if (error.name === 'MaxRetriesPerRequestError') return 'the connection was lost before the answer came';
  if (/WRONGPASS|NOAUTH|invalid password/i.test(message)) return `${message} (is the password right?)`;
  if (/certificate|SSL|TLS/i.test(message)) return `${message} (are the TLS settings right?)`;
  return message;
}

function masked(message: string, { password }: RedisEndpoint): string {
  return password ? message.replaceAll(password, '***') : message;
}
