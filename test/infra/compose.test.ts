import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { infraFile } from '../../infra/infra-file';

interface Compose {
  services: Record<'kafka' | 'redis', { image: string; environment: Record<string, string | number> }>;
}

const compose = parse(readFileSync(infraFile('compose.yaml'), 'utf8')) as Compose;

it('runs the same Kafka in Docker as without', () => {
  const [, version] = /<kafka\.version>(.*)<\/kafka\.version>/.exec(readFileSync(infraFile('kafka/pom.xml'), 'utf8'))!;
  expect(compose.services.kafka.image).toBe(`apache/kafka:${version}`);
});

it('gives the broker in Docker every setting it has without', () => {
  const settings = readFileSync(infraFile('kafka/server.properties'), 'utf8')
    .split('\n')
    .filter((line) => /^[^#\s]/.test(line))
    .map((line) => line.split('=') as [string, string]);
  expect(settings.length).toBeGreaterThan(10);
  for (const [name, value] of settings) {
    const variable = `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`;
    expect([variable, String(compose.services.kafka.environment[variable])]).toEqual([variable, value]);
  }
});
