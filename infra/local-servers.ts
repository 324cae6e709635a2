/**
 * Kafka and Redis as plain processes of this machine, for where there is no Docker: `make up`, the tests, which start
 * their own, and the chaos runs, which kill and freeze them.
 */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../lib/adapters/system';
import { sleep } from '../lib/ports/clock';
import { findFreePort, isFree } from './free-port';
import { infraFile } from './infra-file';
import { kafkaClassArchive, kafkaClassPath } from './kafka-jars';
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
  /** Whether it is there for long, or its speed is measured: Kafka's code is then compiled twice. Default: where it outlives the starting process. */
  readonly livesLong?: boolean;
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
  command(port: number, directory: string, livesLong: boolean): readonly [program: string, ...args: string[]];
  /** Whether it answers its clients; false or a rejection while it does not. */
  answers(port: number): Promise<boolean>;
}

const clock = systemClock();
const startLimitMs = 180_000;
/** Of each try. */
const answerLimitMs = 10_000;

/** One KRaft node. Rejects with the log's tail when the broker ends before it answers, PortTakenError, or without its jars. */
export function startKafka(options: LocalServerOptions): Promise<LocalServer> {
  return start(kafka, options);
}

/** Redis without persistence: what it held is gone after a restart. Rejects as startKafka does. */
export function startRedis(options: LocalServerOptions): Promise<LocalServer> {
  return start(redis, options);
}

/** What makes one Kafka process differ from another. */
interface KafkaNodeSettings {
  readonly clusterId: () => string;
  readonly heapMb: number;
  /** Of the Java machine, beside those of every node. */
  readonly javaArguments?: readonly string[];
  /** Ports from the node's own on: for clients, for controllers, and what else `properties` names. */
  readonly portCount: number;
  /** Of what server.properties says, what is different here. */
  properties(port: number): Readonly<Record<string, string>>;
  /** Of the storage tool, beside the id and the file. */
  readonly formatArguments: readonly string[];
  /** A port on which it answers in plain text. */
  plainPort(port: number): number;
}

function kafkaNode(node: KafkaNodeSettings): ServerKind {
  return {
    name: 'kafka',
    portCount: node.portCount,
    portHint: 'Choose another with KAFKA_PORT (the next port is taken for the controller).',
    address: (port) => `127.0.0.1:${port}`,
    prepare(port, directory) {
      const data = join(directory, 'data');
      const settings = join(directory, 'server.properties');
      const own = Object.entries({ ...node.properties(port), 'log.dirs': data });
      const lines = own.map(([name, value]) => `${name}=${value}`).join('\n');
      writeFileSync(settings, `${readFileSync(infraFile('kafka/server.properties'), 'utf8')}\n${lines}\n`);
      if (existsSync(join(data, 'meta.properties'))) return;
      const format = ['format', '-t', node.clusterId(), '-c', settings, ...node.formatArguments];
      const { status, error, stdout, stderr } = runKafkaTool('kafka.tools.StorageTool', format);
      if (status !== 0)
        throw new Error(`kafka cannot format ${data}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
    },
    command: (_port, directory, livesLong) => [
      'java',
      ...javaArgs(node.heapMb, { livesLong, own: node.javaArguments ?? [] }),
      'kafka.Kafka',
      join(directory, 'server.properties'),
    ],
    answers: (port) => answersPlainly(`127.0.0.1:${node.plainPort(port)}`),
  };
}

async function answersPlainly(address: string): Promise<boolean> {
  const retry = { retries: 0 };
  const limits = { connectionTimeout: answerLimitMs, requestTimeout: answerLimitMs };
  const admin = new Kafka({ brokers: [address], retry, ...limits, logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } finally {
    await admin.disconnect();
  }
}

const singleNode: KafkaNodeSettings = {
  clusterId: freshClusterId,
  heapMb: 512,
  portCount: 2,
  properties: (port) => ({
    'controller.quorum.voters': `1@127.0.0.1:${port + 1}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
  }),
  formatArguments: [],
  plainPort: (port) => port,
};
const kafka = kafkaNode(singleNode);

/** Keeps what makes the next nodes start sooner: a node is started once and, while it ends, writes which classes it had read. */
export async function archiveKafkaClasses(): Promise<void> {
  const archive = kafkaClassArchive();
  if (existsSync(archive)) return;
  // As with the jars: nobody ever sees half of it, and two may do so at once.
  const draft = `${archive}.${process.pid}`;
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-kafka-classes-'));
  try {
    const kind = kafkaNode({ ...singleNode, javaArguments: [`-XX:ArchiveClassesAtExit=${draft}`] });
    await (await start(kind, { directory })).stop();
    // Some builds of Java cannot write one; nodes then start as they did.
    if (existsSync(draft)) renameSync(draft, archive);
  } finally {
    rmSync(draft, { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface LocalClusterOptions {
  /** Holds a folder for each node. Made when missing. */
  readonly directory: string;
  /** Default 3; everything is kept three times then, and written when two have it. */
  readonly nodes?: number;
  /** How clients are spoken to; the nodes speak to each other in plain text. Default PLAINTEXT. */
  readonly clientProtocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** More of server.properties, on every node. The listener of the clients is called CLIENT. */
  readonly properties?: Readonly<Record<string, string>>;
  /** For the storage tool, on every node: `--add-scram` and the like. */
  readonly formatArguments?: readonly string[];
}

export interface LocalCluster {
  /** In order of their node ids, which begin with 1. Their addresses are those for clients. */
  readonly nodes: readonly LocalServer[];
  /** For clients, host:port of every node. */
  readonly addresses: readonly string[];
  /** In plain text and without asking who it is, host:port of every node: for tools of the tests. */
  readonly plainAddresses: readonly string[];
  /** Stops every node. The directory stays. */
  stop(): Promise<void>;
}

/** Ports of a node: for clients, for the controllers, and for the nodes among themselves. */
const clusterPortCount = 3;

/** Several KRaft nodes with small heaps, each broker and controller. Rejects as startKafka does, with nothing left running. */
export async function startKafkaCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { directory, nodes: count = 3, clientProtocol = 'PLAINTEXT', properties = {}, formatArguments = [] } = options;
  const first = await findFreePort(clusterPortCount * count);
  const clusterId = freshClusterId();
  const portOf = (node: number): number => first + clusterPortCount * (node - 1);
  const ids = Array.from({ length: count }, (_, i) => i + 1);
  const replicas = String(Math.min(3, count));
  const leastInSync = String(count >= 3 ? 2 : 1);
  const startNode = (node: number): Promise<LocalServer> => {
    const kind = kafkaNode({
      clusterId: () => clusterId,
      heapMb: 256,
      portCount: clusterPortCount,
      properties: (port) => ({
        'node.id': String(node),
        'controller.quorum.voters': ids.map((id) => `${id}@127.0.0.1:${portOf(id) + 1}`).join(','),
        'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENT:${clientProtocol}`,
        listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1},PLAINTEXT://127.0.0.1:${port + 2}`,
        'advertised.listeners': `CLIENT://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${port + 2}`,
        'default.replication.factor': replicas,
        'min.insync.replicas': leastInSync,
        'offsets.topic.replication.factor': replicas,
        'transaction.state.log.replication.factor': replicas,
        'transaction.state.log.min.isr': leastInSync,
        ...properties,
      }),
      formatArguments,
      plainPort: (port) => port + 2,
    });
    return start(kind, { directory: join(directory, String(node)), port: portOf(node) });
  };
  const started = await Promise.allSettled(ids.map(startNode));
  const nodes = started.flatMap((node) => (node.status === 'fulfilled' ? [node.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const failed = started.find((node) => node.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    nodes,
    addresses: nodes.map(({ address }) => address),
    plainAddresses: ids.map((node) => `127.0.0.1:${portOf(node) + 2}`),
    stop,
  };
}

/** One of Kafka's own command-line tools, by its class, such as kafka.admin.ConfigCommand. */
export function runKafkaTool(main: string, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('java', [...javaArgs(256), main, ...args], { encoding: 'utf8' });
}

/** A small heap and the serial collector: start-up and idle cost little, and one node is never short of memory. */
function javaArgs(heapMb: number, { livesLong = false, own = [] as readonly string[] } = {}): string[] {
  const log = `-Dlog4j2.configurationFile=${infraFile('kafka/log4j2.properties')}`;
  // What ends with a test or a run of a few minutes is gone before the second compiler has given back what it takes.
  const tiers = livesLong ? [] : ['-XX:TieredStopAtLevel=1'];
  const archive = kafkaClassArchive();
  const classes = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
  return [
    ...tiers,
    ...classes,
    ...own,
    `-Xms${heapMb / 2}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    log,
    '-cp',
    kafkaClassPath(),
  ];
}

/** A base64 uuid, as Kafka wants it; the first bit is 0 so that it never starts with a dash. */
function freshClusterId(): string {
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
  const { outlive = false, livesLong = outlive } = options;
  const launchHere = () => launch(kind, port, directory, { outlive, livesLong });
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

async function launch(
  kind: ServerKind,
  port: number,
  directory: string,
  { outlive, livesLong }: Required<Pick<LocalServerOptions, 'outlive' | 'livesLong'>>,
): Promise<ServerRecord> {
  for (let offset = 0; offset < kind.portCount; offset++) {
    if (!(await isFree(port + offset))) throw new PortTakenError(kind.name, port + offset, kind.portHint);
  }
  kind.prepare(port, directory);
  const logPath = join(directory, `${kind.name}.log`);
  const log = openSync(logPath, 'a');
  const logStart = statSync(logPath).size;
  const [program, ...args] = kind.command(port, directory, livesLong);
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
  const failure = await Promise.race([failed, untilAnswers(kind, port, record, failed)]);
  if (failure === null) return record;
  await stopServer(directory, { graceMs: 0 });
  throw new Error(`${kind.name} did not start on port ${port}: ${failure}${tail(logPath, logStart)}`);
}

/** Resolves with null once the server answers, with a reason when it takes too long. */
async function untilAnswers(
  kind: ServerKind,
  port: number,
  record: ServerRecord,
  failed: Promise<string>,
): Promise<string | null> {
  const endMs = clock.monotonicMs() + startLimitMs;
  while (isRunning(record) && clock.monotonicMs() < endMs) {
    if (await kind.answers(port).catch(() => false)) return null;
    await sleep(clock, 50);
  }
  // It may be gone before this process is told how it went.
  if (!isRunning(record)) return failed;
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
