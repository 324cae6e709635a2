/**
 * Which strategies work in a consumer group of their own, apart from the others and from the chain: one that is slow, or
 * somebody else's program, then holds nobody up but its own thread.
 */
import { type StrategyName, strategyNames } from './router-config';

/** Strategies that one consumer group runs. */
export interface StrategyGroup {
  readonly group: string;
  /** At least one, and none of another group. */
  readonly strategies: readonly StrategyName[];
}

/** Runs all strategies that have no group of their own; a chain runs it between intake and collapse. */
export const defaultStrategyGroup = 'strategy-threads';

/** What there is to say of a list that is none; whoever asked names where the list came from. */
export class InvalidStrategyGroupsError extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'InvalidStrategyGroupsError';
  }
}

const groupNamePattern = /^[a-z0-9][a-z0-9.-]{0,39}$/;

/**
 * Reads groups such as `random,balanced` or `slow=learning_optimized;other=random`. A group without a name has those of its strategies;
 * either way its consumer group begins with `strategy-threads-`, so that it is never taken for another one. Throws an
 * InvalidStrategyGroupsError.
 */
export function parseStrategyGroups(text: string): StrategyGroup[] {
  const groups = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseGroup);
  const names = groups.map(({ group }) => group);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new InvalidStrategyGroupsError(`names the group ${twice} more than once`);
  const strategies = groups.flatMap((group) => group.strategies);
  const shared = strategies.find((name, at) => strategies.indexOf(name) !== at);
  if (shared !== undefined) throw new InvalidStrategyGroupsError(`gives the strategy ${shared} more than one group`);
  return groups;
}

function parseGroup(text: string): StrategyGroup {
  const [before, after, ...more] = text.split('=').map((part) => part.trim());
  if (more.length > 0) throw new InvalidStrategyGroupsError(`has more than one "=" in ${shown(text)}`);
  const listed = (after ?? before!)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (listed.length === 0) throw new InvalidStrategyGroupsError(`names no strategy in ${shown(text)}`);
  const strategies = listed.map((name) => {
    const known = strategyNames.find((strategy) => strategy === name.toUpperCase().replaceAll('-', '_'));
    if (known) return known;
    throw new InvalidStrategyGroupsError(`has no strategy ${shown(name)}; there are ${strategyNames.join(', ')}`);
  });
  const name = after === undefined ? strategies.join('-').toLowerCase().replaceAll('_', '-') : before!;
  if (after !== undefined && !groupNamePattern.test(name))
    throw new InvalidStrategyGroupsError(
      `names a group ${shown(name)}, which is not 1 to 40 of a-z, 0-9, "." and "-", the first a letter or a digit`,
    );
  return { group: `${defaultStrategyGroup}-${name}`, strategies };
}

const maxShownChars = 60;

function shown(text: string): string {
  return JSON.stringify(text.length > maxShownChars ? `${text.slice(0, maxShownChars)}…` : text);
}

/** All groups there are: first the default one with the strategies that are left to it, where any are, then `own`. */
export function allStrategyGroups(own: readonly StrategyGroup[]): StrategyGroup[] {
  const taken = new Set(own.flatMap(({ strategies }) => strategies));
  const left = strategyNames.filter((name) => !taken.has(name));
  return [...(left.length > 0 ? [{ group: defaultStrategyGroup, strategies: left }] : []), ...own];
}
