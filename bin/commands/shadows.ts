import type { Command } from 'commander';
import { formatTable } from '../format-table';
import { askGateway, gatewayAt } from '../gateway-client';
import type { Io } from '../io';
import { defaultGatewayUrl, gatewayUrl } from '../read-options';
import { readYamlFile } from '../read-yaml-file';

interface Options {
  readonly url: string;
  readonly json?: boolean;
}

type Interval = { readonly value: number; readonly low: number; readonly high: number } | null;

interface Worth {
  readonly refused: string | null;
  readonly quality: Interval;
  readonly costUsd: Interval;
  readonly qualityGained: Interval;
}

/** As GET /v1/shadows answers. */
interface Listed {
  readonly decisions: number;
  readonly router: Worth | null;
  readonly shadows: readonly { readonly shadow: { readonly name: string }; readonly worth: Worth | null }[];
}

/** As POST /v1/shadows answers. */
interface Changed {
  readonly configVersion: number;
  readonly shadows: readonly { readonly name: string }[];
}

export function addShadows(program: Command, io: Io): void {
  const shadows = program
    .command('shadows')
    .description('Let somebody judge live traffic without influence, see what it would have been worth, promote it.')
    .addHelpText(
      'after',
      `
Examples:
  $ quantum-router shadows start shadow.yaml
  $ quantum-router shadows list
  $ quantum-router shadows promote thrifty`,
    );
  const add = (name: string, description: string) =>
    shadows
      .command(name)
      .description(description)
      .option('--url <url>', 'a running gateway', gatewayUrl, defaultGatewayUrl)
      .option('--json', 'as JSON');
  add('list', 'List the shadows with their off-policy value, beside what was decided.').action(
    async (options: Options) =>
      list(io, await askGateway<Listed>(gatewayAt(io, options.url), 'GET', '/v1/shadows'), options),
  );
  add('start', 'Start one: it becomes a part of the configuration.')
    .argument('<file>', 'YAML or JSON with name and one of strategy, policy, config, group; - reads stdin')
    .action(async (file: string, options: Options) => {
      await change(io, options, { action: 'start', shadow: await readYamlFile(io, file) });
    });
  add('stop', 'Stop one.')
    .argument('<name>', 'its name')
    .action((name: string, options: Options) => change(io, options, { action: 'stop', name }));
  add('promote', 'Let it decide: its strategy is asked, its weights or its configuration come into force.')
    .argument('<name>', 'its name')
    .option('--force', "weights: without the gate's consent")
    .action((name: string, options: Options & { force?: boolean }) =>
      change(io, options, { action: 'promote', name, force: options.force ?? false }),
    );
}

async function change(io: Io, options: Options, wish: unknown): Promise<void> {
  const changed = await askGateway<Changed>(gatewayAt(io, options.url), 'POST', '/v1/shadows', wish);
  const names = changed.shadows.map(({ name }) => name).join(', ') || 'none';
  io.stdout.write(
    options.json
      ? `${JSON.stringify(changed, null, 2)}\n`
      : `version ${changed.configVersion} of the configuration is in force; shadows: ${names}\n`,
  );
}

function list(io: Io, listed: Listed, { json }: Options): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return;
  }
  if (listed.shadows.length === 0) {
    io.stdout.write('no shadows; `shadows start FILE` begins one\n');
    return;
  }
  const row = (name: string, worth: Worth | null): string[] => {
    if (!worth) return [name, '', '', '', 'nothing is judged yet'];
    const { refused, quality, costUsd, qualityGained } = worth;
    // What the router gained by not listening to it, the other way round.
    const better = qualityGained && { value: -qualityGained.value, low: -qualityGained.high, high: -qualityGained.low };
    return [name, shown(quality, 3), shown(costUsd, 6), shown(better, 3), refused ?? ''];
  };
  const rows = [row('(decided)', listed.router), ...listed.shadows.map(({ shadow, worth }) => row(shadow.name, worth))];
  io.stdout.write(formatTable(['shadow', 'quality', 'cost, USD', 'quality gained', ''], rows, io.stdout.columns));
}

function shown(interval: Interval, digits: number): string {
  if (!interval) return '';
  const { value, low, high } = interval;
  return `${value.toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
}
