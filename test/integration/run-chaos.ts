/** A chaos scenario as its own process, on a Kafka and a Redis that it starts to break them. `make test` builds first. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd } from '../started';

const script = join(__dirname, '../../dist/checks/chaos.js');

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly ok?: boolean;
}

/** Without a build a test would silently test nothing. */
export const hasChaosBuild = (): boolean => existsSync(script);

/** Runs a scenario with seed 1 and expects every bar to hold; returns its figures by name, without the scenario's. */
export async function expectUnharmed(scenario: string, args: readonly string[]): Promise<(name: string) => Figure> {
  const all = [script, '--seed', '1', '--scenario', scenario, ...args];
  const { status, stdout, stderr } = await runToEnd(process.execPath, all);
  const figures = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Figure);
  const missed = figures.filter(({ ok }) => ok === false);
  expect({ missed, stderr: status === 0 ? '' : stderr }).toEqual({ missed: [], stderr: '' });
  return (name) => figures.find((figure) => figure.name === `chaos.${scenario}.${name}`)!;
}
