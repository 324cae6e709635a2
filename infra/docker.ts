/** Kafka and Redis in containers, for where a Docker daemon answers (infra/compose.yaml). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { infraFile } from './infra-file';
import { runs } from './tools';

/** A client alone is not enough: there must be a daemon behind it, and compose. */
export function dockerAnswers(): boolean {
  return runs('docker', 'info') && runs('docker', 'compose', 'version');
}

export interface Ports {
  readonly kafka: number;
  readonly redis: number;
}

/** Starts both and waits until they are healthy. `marker` is a file that says they were started from here. Throws. */
export function composeUp(ports: Ports, marker: string): void {
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, 'docker compose\n');
  compose(['up', '--detach', '--wait'], { KAFKA_PORT: String(ports.kafka), REDIS_PORT: String(ports.redis) });
}

/** Stops and removes the containers started from here, the data volume stays. False when there are none. Throws. */
export function composeDown(marker: string): boolean {
  if (!existsSync(marker)) return false;
  compose(['down'], {});
  rmSync(marker);
  return true;
}

function compose(args: readonly string[], env: Record<string, string>): void {
  const command = ['compose', '-f', infraFile('compose.yaml'), ...args];
  const { status } = spawnSync('docker', command, { env: { ...process.env, ...env }, stdio: 'inherit' });
  if (status !== 0) throw new Error(`docker compose ${args[0]} failed; see above`);
}
