import type { Command } from 'commander';
import { short } from '../../lib/figures/figures';
import { formatTable } from '../format-table';
import { askGateway, gatewayAt } from '../gateway-client';
import type { Io } from '../io';
import { defaultGatewayUrl, gatewayUrl } from '../read-options';
import { readYamlFile } from '../read-yaml-file';

interface Options {
  readonly url: string;
  readonly json?: boolean;
}

/** As GET /v1/experiments answers. */
interface Shown {
  readonly experiment: { readonly name: string; readonly unit: string };
  readonly rollout: number;
  readonly stopped: string | null;
  readonly arms: readonly { readonly name: string; readonly units: number }[];
  readonly differences: readonly {
    readonly arm: string;
    readonly metric: string;
    readonly units: number;
    readonly difference: number | null;
    readonly lower: number | null;
    readonly upper: number | null;
    readonly pValue: number;
  }[];
  readonly ratioPValue: number;
}

interface Listed {
  readonly experiments: readonly Shown[];
}

/** Below it units are lost on their way: the other figures are worth nothing. */
const ratioAlarm = 0.001;

export function addExperiments(program: Command, io: Io): void {
  const experiments = program
    .command('experiments')
    .description('Compare settings on live traffic: start, watch, stop and promote experiments of a running gateway.')
    .addHelpText(
      'after',
      `
Figures hold at any time: look as often as you like, and stop when you know enough.

Examples:
  $ quantum-router experiments start experiment.yaml
  $ quantum-router experiments show collapse
  $ quantum-router experiments promote collapse --arm weighted`,
    );
  const add = (name: string, description: string) =>
    experiments
      .command(name)
      .description(description)
      .option('--url <url>', 'a running gateway', gatewayUrl, defaultGatewayUrl)
      .option('--json', 'as JSON');
  add('list', 'List the experiments that run.').action(async (options: Options) => {
    list(io, await ask(io, options, 'GET', '/v1/experiments'), options);
  });
  add('show', 'Show how one stands: units, differences, intervals.')
    .argument('<name>', 'its name')
    .action(async (name: string, options: Options) => {
      show(io, await ask(io, options, 'GET', `/v1/experiments/${encodeURIComponent(name)}`), options);
    });
  add('start', 'Start one: it becomes a part of the configuration.')
    .argument('<file>', 'YAML or JSON with name, arms and the like (docs/experiments.md); - reads stdin')
    .action(async (file: string, options: Options) => {
      const experiment = await readYamlFile(io, file);
      list(io, await ask(io, options, 'POST', '/v1/experiments', { action: 'start', experiment }), options);
    });
  add('stop', 'Stop one: everybody is back at the configuration.')
    .argument('<name>', 'its name')
    .action(async (name: string, options: Options) => {
      list(io, await ask(io, options, 'POST', '/v1/experiments', { action: 'stop', name }), options);
    });
  add('promote', 'Give everybody what an arm sets, and end the experiment.')
    .argument('<name>', 'its name')
    .requiredOption('--arm <arm>', 'name of the arm')
    .action(async (name: string, options: Options & { arm: string }) => {
      list(
        io,
        await ask(io, options, 'POST', '/v1/experiments', { action: 'promote', name, arm: options.arm }),
        options,
      );
    });
}

const ask = <T>(io: Io, { url }: Options, method: string, path: string, body?: unknown): Promise<T> =>
  askGateway<T>(gatewayAt(io, url), method, path, body);

function list(io: Io, listed: Listed, { json }: Options): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return;
  }
  const { experiments } = listed;
  if (experiments.length === 0) {
    io.stdout.write('no experiment runs\n');
    return;
  }
  const rows = experiments.map(({ experiment, rollout, stopped, arms }) => [
    experiment.name,
    experiment.unit,
    `${Math.round(rollout * 100)} %`,
    arms.map(({ name, units }) => `${name} ${units}`).join(', '),
    stopped ?? 'runs',
  ]);
  io.stdout.write(`${formatTable(['name', 'unit', 'share', 'units', 'state'], rows, io.stdout.columns)}\n`);
}

function show(io: Io, shown: Shown, { json }: Options): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  list(io, { experiments: [shown] }, {} as Options);
  if (shown.ratioPValue < ratioAlarm)
    io.stdout.write(
      `\nUnits do not arrive in the arms as they were assigned (p ${short(shown.ratioPValue)}): something loses some of one arm, and nothing below can be believed.\n`,
    );
  const rows = shown.differences.map(({ arm, metric, units, difference, lower, upper, pValue }) => [
    arm,
    metric,
    units,
    difference === null ? 'too few' : short(difference),
    lower === null || upper === null ? '' : `${short(lower)} … ${short(upper)}`,
    short(pValue),
  ]);
  if (rows.length > 0)
    io.stdout.write(
      `\n${formatTable(['arm', 'metric', 'units', 'less control', 'interval', 'p'], rows, io.stdout.columns)}\n`,
    );
}
