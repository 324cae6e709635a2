/**
 * Brings up Kafka and Redis for this checkout and leaves them running: in Docker where a daemon answers, else as plain
 * processes. Harmless when they already run.
 *
 *     KAFKA_PORT=9092 REDIS_PORT=6379 tsx infra/up.ts
 */
import { join, relative } from 'node:path';
import { composeUp, dockerAnswers } from './docker';
import { projectRoot } from './infra-file';
import { type LocalServer, type LocalServerOptions, startKafka, startRedis } from './local-servers';
import { readPort } from './read-port';
import { composeMarker, serverDirectories } from './server-places';
import { runningServer } from './server-process';
import { installServers } from './tools';

async function up(): Promise<void> {
  const ports = { kafka: readPort('KAFKA_PORT', 9092), redis: readPort('REDIS_PORT', 6379) };
  const runHere = Object.values(serverDirectories).some((directory) => runningServer(directory));
  let kafka = `127.0.0.1:${ports.kafka}`;
  let redis = `redis://127.0.0.1:${ports.redis}`;
  if (!runHere && dockerAnswers()) {
    composeUp(ports, composeMarker);
  } else {
    installServers();
    redis = await ensure('Redis', startRedis, { port: ports.redis, directory: serverDirectories.redis }, 'REDIS_PORT');
    kafka = await ensure('Kafka', startKafka, { port: ports.kafka, directory: serverDirectories.kafka }, 'KAFKA_PORT');
  }
  process.stdout.write(`\n  make run KAFKA=${kafka} REDIS=${redis}    the engine on them\n`);
  process.stdout.write('  make down    stops them; their data stays\n');
}

/** The server's address, started now or before. */
async function ensure(
  title: string,
  start: (options: LocalServerOptions) => Promise<LocalServer>,
  options: { port: number; directory: string },
  variable: string,
): Promise<string> {
  const present = runningServer(options.directory);
  if (present && process.env[variable] && !present.address.endsWith(`:${options.port}`)) {
    throw new Error(`${title} already runs on ${present.address}; \`make down\` first to move it to ${options.port}`);
  }
  const { address, pid } = present ?? (await start({ ...options, outlive: true }));
  const place = relative(projectRoot, join(options.directory));
  process.stdout.write(`${title} ${present ? 'already runs' : 'is up'} on ${address} (pid ${pid}, in ${place})\n`);
  return address;
}

up().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
