/** Kafka from Maven Central: the jars that infra/kafka/pom.xml pins, fetched once for each version of that file. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { infraFile, projectRoot } from './infra-file';

const pom = infraFile('kafka/pom.xml');

function jarFolder(): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(projectRoot, '.cache/kafka', hash);
}

export const hasKafkaJars = (): boolean => existsSync(jarFolder());

/** For `java -cp`. Throws when the jars have not been fetched. */
export function kafkaClassPath(): string {
  if (!hasKafkaJars()) throw new Error('Kafka has not been fetched yet: run `make servers-installed` (or `make up`)');
  return join(jarFolder(), '*');
}

/**
 * Classes of Kafka as the Java machine has read and checked them once. With them a node starts in half the processor time;
 * a machine of another Java passes over the file without a word.
 */
export const kafkaClassArchive = (): string => `${jarFolder()}.jsa`;

/** Fetches the jars unless they are there; needs Maven and the network, and takes seconds. Throws with Maven's words. */
export function fetchKafkaJars(): void {
  const folder = jarFolder();
  if (existsSync(folder)) return;
  // Into a folder of its own first: a half-filled one must never be taken for the whole, nor two runs share one.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const args = ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${draft}`];
  const { status, error, stdout, stderr } = spawnSync('mvn', args, { encoding: 'utf8' });
  try {
    if (status !== 0)
      throw new Error(`cannot fetch Kafka with Maven: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
