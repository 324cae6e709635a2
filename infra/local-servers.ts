/**
 * Kafka and Redis as plain processes of this machine, for where there is no Docker: `make up`, the tests, which start
 * their own, and the chaos runs, which kill and freeze them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../lib/adapters/system';
import { sleep } from '../lib/ports/clock';
import { findFreePort, isFree } from './free-port';
import { infraFile } from './infra-file';
import { kafkaClassPath } from './kafka-jars';
import {
  gone,
  identify,
  isRunning,
  runningServer,
  type ServerRecord,
  signal,
  stopServer,
  writeRecord,
} from './server-process';

export interface LocalServer {
  readonly name: 'kafka' | 'redis';
  /** host:port for Kafka, redis://host:port for Redis. */
  readonly address: string;
  readonly port: number;
  /** Changes with every restart. */
  readonly pid: number;
  /** Shuts it down, also when it is frozen; resolves once the process is gone. The directory stays. */
  stop(): Promise<void>;
  /** Sends a signal to this very process. For SIGKILL and SIGTERM it resolves once the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Stops it, if it runs, and starts it again on the same port and data; resolves once it answers. */
  restart(): Promise<void>;
}

export interface LocalServerOptions {
  /** Kafka takes the next one too, for its controller. Default: free ones. */
  readonly port?: number;
  /** Holds the data, the log and the record of the process. Made when missing. */
  readonly directory: string;
  /** Let it live on when the starting process ends. Default: it is killed then. */
  readonly outlive?: boolean;
}

/** The port that was asked for is taken by a process that was not started here. */
export class PortTakenError extends Error {
  constructor(name: string, port: number, hint: string) {
    super(`${name} cannot listen on port ${port}: another process does. ${hint}`);
    this.name = 'PortTakenError';
  }
}

interface ServerKind {
  readonly name: 'kafka' | 'redis';
  readonly portCount: number;
  readonly portHint: string;
  address(port: number): string;
  /** Everything that must be there before the process starts. */
  prepare(port: number, directory: string): void;
  command(port: number, directory: string): readonly [program: string, ...args: string[]];
  /** Whether it answers its clients; false or a rejection while it does not. */
  answers(port: number): Promise<boolean>;
}

const clock = systemClock();
const startLimitMs = 180_000;
const answerLimitMs = 2_000;

/** One KRaft node. Rejects with the log's tail when the broker ends before it answers, PortTakenError, or without its jars. */
export function startKafka(options: LocalServerOptions): Promise<LocalServer> {
  return start(kafka, options);
}

/** Redis without persistence: what it held is gone after a restart. Rejects as startKafka does. */
export function startRedis(options: LocalServerOptions): Promise<LocalServer> {
  return start(redis, options);
}

const kafka: ServerKind = {
  name: 'kafka',
  portCount: 2,
  portHint: 'Choose another with KAFKA_PORT (the next port is taken for the controller).',
  address: (port) => `127.0.0.1:${port}`,
  prepare(port, directory) {
    const data = join(directory, 'data');
    const settings = join(directory, 'server.properties');
    writeFileSync(settings, `${readFileSync(infraFile('kafka/server.properties'), 'utf8')}${kafkaPlace(port, data)}`);
    if (existsSync(join(data, 'meta.properties'))) return;
    const args = [...javaArgs(), 'kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', settings];
    const { status, error, stdout, stderr } = spawnSync('java', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`kafka cannot format ${data}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
  },
  command: (_port, directory) => ['java', ...javaArgs(), 'kafka.Kafka', join(directory, 'server.properties')],
  async answers(port) {
    const retry = { retries: 0 };
    const brokers = [this.address(port)];
    const limits = { connectionTimeout: answerLimitMs, requestTimeout: answerLimitMs };
    const admin = new Kafka({ brokers, retry, ...limits, logLevel: logLevel.NOTHING }).admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length > 0;
    } finally {
      await admin.disconnect();
    }
  },
};

function kafkaPlace(port: number, data: string): string {
  return [
    '',
    `controller.quorum.voters=1@127.0.0.1:${port + 1}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    `log.dirs=${data}`,
    '',
  ].join('\n');
}

/** A small heap and the serial collector: start-up and idle cost little, and one node is never short of memory. */
function javaArgs(): string[] {
  const log = `-Dlog4j2.configurationFile=${infraFile('kafka/log4j2.properties')}`;
  return ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', log, '-cp', kafkaClassPath()];
}

/** A base64 uuid, as Kafka wants it; the first bit is 0 so that it never starts with a dash. */
function clusterId(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  return bytes.toString('base64url');
}

const redis: ServerKind = {
  name: 'redis',
  portCount: 1,
  portHint: 'Choose another with REDIS_PORT.',
  address: (port) => `redis://127.0.0.1:${port}`,
  prepare() {},
  command: (port, directory) => {
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
    return ['redis-server', infraFile('redis/redis.conf'), ...place];
  },
  answers: (port) =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', timeout: answerLimitMs }, () => socket.write('PING\r\n'));
      socket.once('data', (reply) => {
        socket.destroy();
        resolve(reply.toString().startsWith('+PONG'));
      });
      socket.once('timeout', () => socket.destroy(new Error('no answer')));
      socket.once('error', reject);
    }),
};

async function start(kind: ServerKind, options: LocalServerOptions): Promise<LocalServer> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const present = runningServer(directory);
  if (present) throw new Error(`${kind.name} already runs on ${directory} (${present.address}, pid ${present.pid})`);
  const port = options.port ?? (await findFreePort(kind.portCount));
  const launchHere = () => launch(kind, port, directory, options.outlive ?? false);
  let record = await launchHere();
  return {
    name: kind.name,
    address: record.address,
    port,
    get pid() {
      return record.pid;
    },
    async stop() {
      await stopServer(directory);
    },
    async kill(name) {
      signal(record, name);
      if ((name === 'SIGKILL' || name === 'SIGTERM') && !(await gone(record, startLimitMs))) {
        throw new Error(`${kind.name} (pid ${record.pid}) did not end on ${name}`);
      }
    },
    async restart() {
      await stopServer(directory);
      // A broker that was killed may give up before the session of its dead self is over; the second try finds it over.
      record = await launchHere().catch((error: unknown) => {
        if (error instanceof PortTakenError) throw error;
        return launchHere();
      });
    },
  };
}

async function launch(kind: ServerKind, port: number, directory: string, outlive: boolean): Promise<ServerRecord> {
  for (let offset = 0; offset < kind.portCount; offset++) {
    if (!(await isFree(port + offset))) throw new PortTakenError(kind.name, port + offset, kind.portHint);
  }
  kind.prepare(port, directory);
  const logPath = join(directory, `${kind.name}.log`);
  const log = openSync(logPath, 'a');
  const logStart = statSync(logPath).size;
  const [program, ...args] = kind.command(port, directory);
  const child = spawn(program, args, { cwd: directory, detached: outlive, stdio: ['ignore', log, log] });
  closeSync(log);
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signalName) => resolve(`it ended with ${signalName ?? `status ${code}`}`));
  });
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (!identity) throw new Error(`${kind.name} did not start: ${await failed}${tail(logPath, logStart)}`);
  const record = { name: kind.name, address: kind.address(port), ...identity };
  writeRecord(directory, record);
  if (outlive) child.unref();
  else endWithThisProcess(child);
  const failure = await Promise.race([failed, untilAnswers(kind, port, record)]);
  if (failure === null) return record;
  await stopServer(directory, { graceMs: 0 });
  throw new Error(`${kind.name} did not start on port ${port}: ${failure}${tail(logPath, logStart)}`);
}

/** Resolves with null once the server answers, with a reason when it takes too long. */
async function untilAnswers(kind: ServerKind, port: number, record: ServerRecord): Promise<string | null> {
  const endMs = clock.monotonicMs() + startLimitMs;
  while (isRunning(record) && clock.monotonicMs() < endMs) {
    if (await kind.answers(port).catch(() => false)) return null;
    await sleep(clock, 50);
  }
  return `it did not answer within ${startLimitMs / 1000} s`;
}

/** The last lines written since `start`, for an error message. */
function tail(path: string, start: number): string {
  const lines = readFileSync(path).subarray(start).toString('utf8').trim().split('\n').slice(-20);
  return lines[0] === '' ? '' : `. The end of ${path}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

const childrenHere = new Set<ChildProcess>();

/** However this process ends: when it is killed it can end nobody any more, and a guard that then reads the end of its input does. */
function endWithThisProcess(child: ChildProcess): void {
  const script = 'while read -r _; do :; done; kill -9 "$1"';
  const guard = spawn('sh', ['-c', script, 'sh', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  (guard.stdin as Socket).unref();
  // The pid of a server that has ended may soon be somebody else's.
  child.once('exit', () => guard.kill('SIGKILL'));
  if (childrenHere.size === 0) process.once('exit', killChildren);
  childrenHere.add(child);
  child.once('exit', () => {
    childrenHere.delete(child);
    if (childrenHere.size === 0) process.removeListener('exit', killChildren);
  });
}

function killChildren(): void {
  for (const child of childrenHere) child.kill('SIGKILL');
}
