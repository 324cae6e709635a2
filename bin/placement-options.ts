/** Options of the commands that run or draw an engine: which stages share a task, and which strategies work apart from them. */
import { type Command, Option } from 'commander';
import { InvalidEnvironmentError, ownStrategyGroupsIn } from '../lib/config/process-settings';
import type { StrategyGroup } from '../lib/config/strategy-groups';
import { type PlacementName, placementNames } from '../services/placements';
import { CliError, exitCodes, type Io } from './io';

export interface OwnGroupOptions {
  readonly ownGroup?: readonly string[];
}

export interface PlacementOptions extends OwnGroupOptions {
  readonly placement: PlacementName;
}

/** Adds `--placement` and `--own-group`. */
export function addPlacementOptions(command: Command): Command {
  return addOwnGroupOption(
    command.addOption(
      new Option('--placement <name>', 'separate: a task for each service; chained: one from request to decision')
        .choices(placementNames)
        .env('PLACEMENT')
        .default('separate'),
    ),
  );
}

export function addOwnGroupOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--own-group <strategies>',
      'strategies that work in a consumer group of their own, as `random,balanced` or `slow=random`; may be given more than once',
    ).argParser((text: string, before: readonly string[] = []) => [...before, text]),
  );
}

/** The groups that the options name, else those of STRATEGY_GROUPS. Throws a CliError for what is none. */
export function ownGroupsOf(io: Pick<Io, 'environment'>, options: OwnGroupOptions): StrategyGroup[] {
  const given = ownGroupsEnvironment(options);
  try {
    return ownStrategyGroupsIn({ ...io.environment, ...given });
  } catch (error) {
    if (!(error instanceof InvalidEnvironmentError)) throw error;
    const said =
      given.STRATEGY_GROUPS === undefined ? error.message : error.message.replace('STRATEGY_GROUPS', '--own-group');
    throw new CliError(said.split('\n').at(-1)!.trim(), exitCodes.usage);
  }
}

/** The options as the variable that service processes read; nothing where they name no group. */
export function ownGroupsEnvironment({ ownGroup = [] }: OwnGroupOptions): { readonly STRATEGY_GROUPS?: string } {
  return ownGroup.length > 0 ? { STRATEGY_GROUPS: ownGroup.join(';') } : {};
}
