/**
 * Settings of one process on Kafka and Redis, read from environment variables: where the servers are, how to prove who
 * we are, what this instance is called. What all processes share lies in the `config` topic instead.
 */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Role, roles } from '../access/roles';
import { defaultKafkaSettings, type KafkaSettings } from '../adapters/kafka/kafka-settings';
import { defaultRedisSettings, type RedisSettings } from '../adapters/redis/redis-settings';
import { dictionaryOf } from '../dictionary';
import { type Encoder, keyedEncoder } from '../learning/features/encoder-key';
import type { Delivery } from '../ports/broker';
import type { LogLevel } from '../telemetry/log';
import {
  allStrategyGroups,
  defaultStrategyGroup,
  InvalidStrategyGroupsError,
  parseStrategyGroups,
  type StrategyGroup,
} from './strategy-groups';

export interface ProcessSettings {
  readonly kafka: KafkaSettings;
  /** null: no Redis. Requests are routed without a cache, and weights come from the log. */
  readonly redis: RedisSettings | null;
  /** In front of every topic and group when several engines share a cluster; '' otherwise. */
  readonly topicPrefix: string;
  /** Partitions of the request path; every process of an engine must say the same number. */
  readonly partitions: number;
  /** Where the gateway listens. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Files with certificate and key; null: plain HTTP. */
    readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
    /** Where administration has a port of its own; null: nowhere. */
    readonly adminPort: number | null;
    readonly adminHost: string;
    /** What somebody without a key may do. */
    readonly anonymous: Role | 'loopback' | 'never';
    /** Of a call of a model; absent: as usual. */
    readonly maxCallBytes?: number;
    /** Where a trace is looked at, with `{traceId}` in it; absent: nobody has said. */
    readonly traceUrl?: string;
  };
  /** What the gateway goes by when it starts while Kafka is away. */
  readonly standby: {
    /** It keeps a copy of the configuration and the keys in force here; null: nowhere. */
    readonly file: string | null;
    /** The configuration to go by without such a copy; null: none. */
    readonly configFile: string | null;
  };
  /** Where every other service answers /health, /ready and /metrics; null: nowhere. */
  readonly metricsPort: number | null;
  /** How often what services write may be there after failures. */
  readonly delivery: Delivery;
  /** Strategies that have a group of their own; every process of an engine must say the same. */
  readonly ownStrategyGroups: readonly StrategyGroup[];
  /** Which group of strategies a process of strategy-threads runs. */
  readonly strategyGroup: string;
  readonly logLevel: LogLevel;
  /** With the installation's key for hashing texts; null without one. */
  readonly encoder: Encoder | null;
}

/** A variable is missing or wrong. The message has a line per variable. */
export class InvalidEnvironmentError extends Error {
  constructor(faults: readonly string[]) {
    super(`the environment is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'InvalidEnvironmentError';
  }
}

const text = z.string().min(1, 'must not be empty');
/** What the largest body of a call of a model may be set to. */
export const [leastCallBytes, mostCallBytes] = [65_536, 67_108_864];

/** An address in which `{traceId}` stands for the id of a trace. */
export const traceUrlPattern = /^https?:\/\/\S*\{traceId\}\S*$/;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
const port = wholeNumber(0, 65_535);
const flag = z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');
const brokers = text
  .transform((value) => value.split(',').map((address) => address.trim()))
  .refine((all) => all.every((address) => /^.+:\d+$/.test(address)), 'must be host:port[,host:port…]')
  .refine((all) => all.every(hasPort), 'must have a port from 1 to 65535 in each host:port');
function hasPort(address: string): boolean {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return port >= 1 && port <= 65_535;
}
const topicPrefix = z.string().regex(/^[\w.-]{0,100}$/, 'must be letters, digits, ".", "_" and "-", at most 100');

const environmentSchema = z.object({
  KAFKA_BROKERS: brokers.describe('Kafka, host:port[,host:port…]'),
  ENCODER_KEY_FILE: text
    .optional()
    .describe('file with the key that texts are hashed with, where encoder.keyed is true'),
  KAFKA_CLIENT_ID: text.optional().describe("name in the brokers' logs and quotas"),
  KAFKA_TLS: flag.optional().describe('true: speak TLS'),
  KAFKA_TLS_CA_FILE: text.optional().describe('PEM file of the authority that signed the brokers'),
  KAFKA_TLS_CERT_FILE: text.optional().describe('PEM file of the client certificate'),
  KAFKA_TLS_KEY_FILE: text.optional().describe('PEM file of its key'),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'must be plain, scram-sha-256 or scram-sha-512')
    .optional()
    .describe('plain, scram-sha-256 or scram-sha-512'),
  KAFKA_USERNAME: text.optional().describe('SASL user'),
  KAFKA_PASSWORD: text.optional().describe('SASL password'),
  KAFKA_PASSWORD_FILE: text.optional().describe('file that holds it instead; read anew at every connection'),
  KAFKA_SESSION_TIMEOUT_MS: wholeNumber(1_000, 300_000)
    .optional()
    .describe('a process that is silent for longer loses its partitions'),
  KAFKA_REPLICATION_FACTOR: wholeNumber(1, 100)
    .optional()
    .describe('copies of topics that are made; by default three, or one on each node where there are fewer'),
  INSTANCE_ID: text.optional().describe('unique per process of a service: a restarted one takes its own place at once'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/[^/]/, 'must look like redis://host:6379 (rediss:// for TLS)')
    .optional()
    .describe('Redis, redis://host:port (rediss:// for TLS)'),
  REDIS_PASSWORD: text.optional().describe('password, where it should not be in the URL'),
  REDIS_TLS_CA_FILE: text.optional().describe('PEM file of the authority that signed Redis'),
  REDIS_KEY_PREFIX: z.string().optional().describe('in front of every key; by default it holds TOPIC_PREFIX'),
  TOPIC_PREFIX: topicPrefix.optional().describe('in front of every topic and group'),
  PARTITIONS: wholeNumber(1, 256).optional().describe('partitions of the request path, the same for all processes'),
  DELIVERY: z
    .enum(['at-least-once', 'exactly-once'], 'must be at-least-once or exactly-once')
    .optional()
    .describe(
      'exactly-once: a service writes what it decides and its positions in Kafka transactions; by default at-least-once',
    ),
  STRATEGY_GROUPS: text
    .optional()
    .describe(
      'strategies with a group of their own, such as `slow=learning_optimized;other=random`, the same for all processes; the others share `strategy-threads`',
    ),
  STRATEGY_GROUP: text
    .optional()
    .describe('which of these groups a process of strategy-threads runs, such as `strategy-threads-slow`'),
  HTTP_HOST: text.optional().describe('where the gateway listens'),
  HTTP_PORT: port.optional().describe('port of the gateway'),
  HTTP_TLS_CERT_FILE: text
    .optional()
    .describe('PEM file of the certificate of the gateway itself, with its chain; taken over when it changes'),
  HTTP_TLS_KEY_FILE: text.optional().describe('PEM file of its key'),
  HTTP_ADMIN_PORT: port.optional().describe('port of its own for the routes of viewers, operators and admins'),
  HTTP_ADMIN_HOST: text.optional().describe('where that port listens; by default on this machine alone'),
  HTTP_ANONYMOUS: z
    .enum([...roles, 'loopback', 'never'], `must be ${roles.join(', ')}, loopback or never`)
    .optional()
    .describe(
      'role of whoever has no key; by default loopback: admin, where only this machine reaches the port and there is no key yet',
    ),
  HTTP_MAX_CALL_BYTES: wholeNumber(leastCallBytes, mostCallBytes)
    .optional()
    .describe('largest body of a call of a model, pictures and documents included; by default 4 MiB'),
  HTTP_TRACE_URL: z
    .string()
    .regex(traceUrlPattern, 'must be an address with {traceId} in it')
    .optional()
    .describe('where the dashboard looks at a trace, such as https://jaeger.example.org/trace/{traceId}'),
  STANDBY_FILE: text
    .optional()
    .describe(
      'file in which the gateway keeps a copy of the configuration, the keys (hashed) and the health of models, so that it answers calls of models when it starts while Kafka is away',
    ),
  CONFIG_FILE: text
    .optional()
    .describe('configuration by which the gateway answers calls then, as long as there is no such copy'),
  METRICS_PORT: port.optional().describe('port of /health, /ready and /metrics of every other service'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).optional().describe('how much to log'),
});

/** Every variable with what it is for, for the docs. */
export const environmentVariables: readonly { readonly name: string; readonly doc: string }[] = Object.entries(
  environmentSchema.shape,
).map(([name, schema]) => ({ name, doc: schema.description ?? '' }));

const defaultPartitions = 4;

/**
 * Throws an InvalidEnvironmentError that names every variable at fault; values are not repeated, since they may be
 * secrets. An empty variable counts as absent.
 */
export function processSettings(environment: Readonly<Record<string, string | undefined>>): ProcessSettings {
  const given: Record<string, string | undefined> = dictionaryOf(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    throw new InvalidEnvironmentError(
      parsed.error.issues.map(({ path, message, code }) => {
        const name = path.join('.');
        return given[name] === undefined && code === 'invalid_type' ? `${name} must be given` : `${name} ${message}`;
      }),
    );
  }
  const env = parsed.data;
  return {
    kafka: kafkaSettings(env),
    redis: redisSettings(env),
    topicPrefix: env.TOPIC_PREFIX ?? '',
    encoder: installedEncoder(environment),
    partitions: env.PARTITIONS ?? defaultPartitions,
    http: httpSettings(env),
    standby: { file: env.STANDBY_FILE ?? null, configFile: env.CONFIG_FILE ?? null },
    metricsPort: env.METRICS_PORT ?? null,
    delivery: env.DELIVERY ?? 'at-least-once',
    ...strategySettings(env),
    logLevel: env.LOG_LEVEL ?? 'info',
  };
}

type Environment = z.infer<typeof environmentSchema>;

function kafkaSettings(env: Environment): KafkaSettings {
  const files = {
    caPem: readableFile(env, 'KAFKA_TLS_CA_FILE'),
    certPem: readableFile(env, 'KAFKA_TLS_CERT_FILE'),
    keyPem: readableFile(env, 'KAFKA_TLS_KEY_FILE'),
  };
  if ((files.certPem === undefined) !== (files.keyPem === undefined)) {
    throw new InvalidEnvironmentError(['KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE must be given together']);
  }
  const wantsTls = env.KAFKA_TLS ?? (files.caPem !== undefined || files.certPem !== undefined);
  return {
    ...defaultKafkaSettings,
    brokers: env.KAFKA_BROKERS,
    ...(env.KAFKA_CLIENT_ID !== undefined && { clientId: env.KAFKA_CLIENT_ID }),
    tls: wantsTls ? readAtUse(files, { rejectUnauthorized: true }) : null,
    sasl: saslOf(env),
    ...(env.KAFKA_SESSION_TIMEOUT_MS !== undefined && { sessionTimeoutMs: env.KAFKA_SESSION_TIMEOUT_MS }),
    ...(env.KAFKA_REPLICATION_FACTOR !== undefined && { replicationFactor: env.KAFKA_REPLICATION_FACTOR }),
    instanceId: env.INSTANCE_ID ?? null,
  };
}

function saslOf(env: Environment): KafkaSettings['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = env;
  const passwordFile = readableFile(env, 'KAFKA_PASSWORD_FILE');
  if (password !== undefined && passwordFile !== undefined) {
    throw new InvalidEnvironmentError(['KAFKA_PASSWORD and KAFKA_PASSWORD_FILE say the same: give one of them']);
  }
  const hasPassword = password !== undefined || passwordFile !== undefined;
  if (mechanism === undefined && username === undefined && !hasPassword) return null;
  if (mechanism === undefined || username === undefined || !hasPassword) {
    throw new InvalidEnvironmentError([
      'KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD (or KAFKA_PASSWORD_FILE) must be given together',
    ]);
  }
  if (passwordFile === undefined) return { mechanism, username, password: password! };
  // Editors and secret stores end a file with a line break, which is not part of the password.
  const readPassword = () => passwordFile().replace(/\r?\n$/, '');
  return readAtUse({ password: readPassword }, { mechanism, username });
}

function httpSettings(env: Environment): ProcessSettings['http'] {
  const { HTTP_TLS_CERT_FILE: certFile, HTTP_TLS_KEY_FILE: keyFile } = env;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new InvalidEnvironmentError(['HTTP_TLS_CERT_FILE and HTTP_TLS_KEY_FILE must be given together']);
  return {
    host: env.HTTP_HOST ?? '127.0.0.1',
    port: env.HTTP_PORT ?? 8_080,
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : null,
    adminPort: env.HTTP_ADMIN_PORT ?? null,
    adminHost: env.HTTP_ADMIN_HOST ?? '127.0.0.1',
    anonymous: env.HTTP_ANONYMOUS ?? 'loopback',
    ...(env.HTTP_MAX_CALL_BYTES !== undefined && { maxCallBytes: env.HTTP_MAX_CALL_BYTES }),
    ...(env.HTTP_TRACE_URL !== undefined && { traceUrl: env.HTTP_TRACE_URL }),
  };
}

function redisSettings(env: Environment): RedisSettings | null {
  const { REDIS_URL: url, REDIS_PASSWORD: password } = env;
  // Engines that share a cluster by prefix may share a Redis, too, and each removes weights it does not know.
  const keyPrefix = env.REDIS_KEY_PREFIX ?? defaultRedisSettings.keyPrefix + (env.TOPIC_PREFIX ?? '');
  if (url === undefined) return null;
  const caPem = readableFile(env, 'REDIS_TLS_CA_FILE')?.();
  return {
    ...defaultRedisSettings,
    url,
    ...(password !== undefined && { password }),
    tls: url.startsWith('rediss:') || caPem ? { rejectUnauthorized: true, ...(caPem && { caPem }) } : null,
    keyPrefix,
  };
}

function strategySettings(env: Environment): Pick<ProcessSettings, 'ownStrategyGroups' | 'strategyGroup'> {
  const ownStrategyGroups = ownStrategyGroupsIn({ STRATEGY_GROUPS: env.STRATEGY_GROUPS });
  const strategyGroup = env.STRATEGY_GROUP ?? defaultStrategyGroup;
  const groups = allStrategyGroups(ownStrategyGroups).map(({ group }) => group);
  if (env.STRATEGY_GROUP !== undefined && !groups.includes(strategyGroup))
    throw new InvalidEnvironmentError([
      `STRATEGY_GROUP names no group of STRATEGY_GROUPS; there are ${groups.join(', ')}`,
    ]);
  return { ownStrategyGroups, strategyGroup };
}

/**
 * The groups that STRATEGY_GROUPS gives to strategies; none without it. Throws an InvalidEnvironmentError for what cannot be
 * read.
 */
export function ownStrategyGroupsIn(environment: Readonly<Record<string, string | undefined>>): StrategyGroup[] {
  try {
    return parseStrategyGroups(environment['STRATEGY_GROUPS'] ?? '');
  } catch (error) {
    if (!(error instanceof InvalidStrategyGroupsError)) throw error;
    throw new InvalidEnvironmentError([`STRATEGY_GROUPS ${error.reason}`]);
  }
}

type FileVariable =
  | 'KAFKA_TLS_CA_FILE'
  | 'KAFKA_TLS_CERT_FILE'
  | 'KAFKA_TLS_KEY_FILE'
  | 'KAFKA_PASSWORD_FILE'
  | 'REDIS_TLS_CA_FILE';

const leastKeyBytes = 16;

/**
 * The key that ENCODER_KEY_FILE names; null where it names none. Throws an InvalidEnvironmentError for a file that cannot be
 * read or holds too little.
 */
function encoderKeyIn(environment: Readonly<Record<string, string | undefined>>): string | null {
  const file = environment['ENCODER_KEY_FILE'];
  if (file === undefined || file === '') return null;
  let key: string;
  try {
    key = readFileSync(file, 'latin1').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InvalidEnvironmentError([`ENCODER_KEY_FILE names a file that cannot be read: ${code}`]);
  }
  if (key.length < leastKeyBytes)
    throw new InvalidEnvironmentError([`ENCODER_KEY_FILE names a file with fewer than ${leastKeyBytes} bytes`]);
  return key;
}

/** The encoder with that key; null without one. */
export function installedEncoder(environment: Readonly<Record<string, string | undefined>>): Encoder | null {
  const key = encoderKeyIn(environment);
  return key === null ? null : keyedEncoder(key);
}

/** Reads the file that a variable names, at every call anew; undefined where the variable is not set. Throws here and now when the file cannot be read. */
function readableFile(env: Environment, name: FileVariable): (() => string) | undefined {
  const file = env[name];
  if (file === undefined) return undefined;
  const read = () => readFileSync(file, 'utf8');
  try {
    read();
  } catch (error) {
    throw new InvalidEnvironmentError([
      `${name} names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    ]);
  }
  return read;
}

/**
 * `rest` with a property for each reader, which reads whenever it is asked for: a password or a certificate that was
 * exchanged on disk is used by the next connection, without a restart. Readers that are undefined give no property.
 */
function readAtUse<K extends string, R extends object>(
  readers: { readonly [key in K]: (() => string) | undefined },
  rest: R,
): R & { readonly [key in K]: string } {
  const settings = { ...rest };
  for (const [name, get] of Object.entries<(() => string) | undefined>(readers)) {
    if (get !== undefined) Object.defineProperty(settings, name, { get, enumerable: true });
  }
  return settings as R & { readonly [key in K]: string };
}
