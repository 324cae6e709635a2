/** What a command comes to: which version it means, and whether that one may be put in force that way. Changes nothing. */
import type { WeightsCommand, WeightsPublished, WeightsVersion } from '../../lib/topics/generated/messages';
import { findVersion } from '../../lib/weights/read-weights';

export interface CommandWorld {
  readonly inForce: WeightsPublished | null;
  readonly versions: readonly WeightsVersion[];
  /** What a promotion without a name means; null: nothing waits. */
  readonly candidate: WeightsVersion | null;
  readonly isCatchingUp: boolean;
  /** Of the fold. */
  readonly lineage: string;
  readonly encoderVersion: string;
}

export type Plan =
  | { readonly kind: 'refuse'; readonly why: string; readonly version: WeightsVersion | null }
  /** It has been done already. */
  | { readonly kind: 'done'; readonly why: string }
  | { readonly kind: 'promote' | 'rollback'; readonly version: WeightsVersion };

export function planOf(command: WeightsCommand, world: CommandWorld): Plan {
  const { inForce } = world;
  if (inForce === null) return refuse('no weights are in force yet: the first come by themselves');
  return command.kind === 'ROLLBACK'
    ? rollbackOf(command, world, inForce)
    : promotionOf(command.policySha256, world, inForce);
}

function rollbackOf(command: WeightsCommand, world: CommandWorld, inForce: WeightsPublished): Plan {
  const { policySha256, requestedAtMs } = command;
  const isMeant = policySha256 === null || inForce.policySha256.startsWith(policySha256);
  // A crash may bring a command again that was carried out but not yet answered; going back once more would be wrong.
  if (isMeant && inForce.reason === 'ROLLBACK' && inForce.publishedAtMs >= requestedAtMs)
    return { kind: 'done', why: 'the weights in force came by a rollback after this one was asked for' };
  let version: WeightsVersion | undefined;
  if (policySha256 === null) {
    version = world.versions
      .filter(({ state, weights }) => state === 'PUBLISHED' && weights.policySha256 !== inForce.policySha256)
      .reduce<WeightsVersion | undefined>(
        (best, one) => (one.weights.sequence > (best?.weights.sequence ?? 0) ? one : best),
        undefined,
      );
    if (!version) return refuse('no earlier weights are known');
  } else {
    const found = findVersion(world.versions, policySha256);
    if (!found.version) return refuse(found.why);
    version = found.version;
  }
  const { weights, state } = version;
  if (weights.policySha256 === inForce.policySha256) return refuse('it is in force already', version);
  if (weights.sequence === 0)
    return refuse(`it was never in force (${state}): a promotion could put it there`, version);
  return unservable(version, world) ?? { kind: 'rollback', version };
}

function promotionOf(policySha256: string | null, world: CommandWorld, inForce: WeightsPublished): Plan {
  const { candidate, isCatchingUp, lineage } = world;
  if (isCatchingUp) return refuse('the log is still being folded: wait until a candidate is there');
  let version = candidate;
  if (policySha256 !== null) {
    const found = findVersion(world.versions, policySha256);
    if (!found.version) return refuse(found.why);
    version = found.version;
  }
  if (!version) return refuse('nothing waits: what is learned comes into force by itself');
  const { weights } = version;
  if (weights.policySha256 === inForce.policySha256)
    return refuse('it is in force already; a promotion without a name goes on with what was learned since', version);
  if (weights.lineage !== lineage)
    return refuse(
      `it is of lineage ${weights.lineage || 'unknown'}, and the trainer goes on with ${lineage}: a rollback to it would hold what comes`,
      version,
    );
  if (inForce.lineage === lineage && inForce.reason !== 'ROLLBACK' && weights.toOffset <= inForce.toOffset)
    return refuse('newer weights of its lineage are in force: roll back to it instead', version);
  return unservable(version, world) ?? { kind: 'promote', version };
}

function unservable(version: WeightsVersion, { encoderVersion }: CommandWorld): Plan | null {
  const made = version.weights.encoderVersion;
  if (made === encoderVersion) return null;
  return refuse(`it was made for encoder ${made}, and requests are encoded by ${encoderVersion}`, version);
}

function refuse(why: string, version: WeightsVersion | null = null): Plan {
  return { kind: 'refuse', why, version };
}
