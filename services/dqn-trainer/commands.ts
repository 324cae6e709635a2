/** Carries out what somebody asks for: promotions, which the gate may refuse, and rollbacks. Every command gets an answer. */
import { parsePolicy } from '../../lib/learning/value/policy';
import type { Broker } from '../../lib/ports/broker';
import { type Emit, emit } from '../../lib/stream/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { WeightsAnswer, WeightsCommand, WeightsVersion } from '../../lib/topics/generated/messages';
import { readKeys } from '../../lib/topics/read-keys';
import { topics } from '../../lib/topics/topics';
import type { BlobStore } from '../../lib/weights/blob-store';
import type { FoldSettings } from './fold/fold-settings';
import { lineageIdOf } from './lineage';
import { planOf } from './plan-command';
import type { Publisher } from './publisher';
import { blobsOf, type FoldAt, type TrialKeeper } from './trial-keeper';

/** Answers read at the start: commands that are delivered again are among the newest. */
const rememberedAnswers = 1_000;

/** Ids of the newest commands that have an answer. */
export function readAnswered(broker: Broker, topicPrefix: string): Promise<Set<string>> {
  return readKeys(broker, topics.weightsAnswers, topicPrefix, rememberedAnswers);
}

export interface CommandState extends FoldAt {
  readonly settings: FoldSettings;
  readonly publisher: Publisher;
  readonly trials: TrialKeeper;
}

export interface CommandParts {
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly nowMs: number;
}

/** The records of a command, its answer last: what is not answered is carried out again after a crash. */
export async function carryOut(command: WeightsCommand, state: CommandState, parts: CommandParts): Promise<Emit[]> {
  const { publisher, settings } = state;
  const { log, nowMs } = parts;
  const { commandId, kind, requestedBy } = command;
  const answer = (status: WeightsAnswer['status'], why: string, more: Partial<WeightsAnswer> = {}): Emit => {
    log.info('a command about weights was answered', { commandId, kind, requestedBy, status, why });
    return emit(topics.weightsAnswers, {
      commandId,
      status,
      why,
      policySha256: null,
      sequence: 0,
      evidence: {},
      answeredAtMs: nowMs,
      ...more,
    });
  };
  const plan = planOf(command, {
    inForce: publisher.inForce,
    versions: publisher.versions.all(),
    candidate: publisher.candidate,
    isCatchingUp: publisher.isCatchingUp,
    lineage: lineageIdOf(settings),
    encoderVersion: settings.encoderVersion,
  });
  if (plan.kind === 'done') {
    const { policySha256 = null, sequence = 0 } = publisher.inForce ?? {};
    return [answer('DONE', plan.why, { policySha256, sequence })];
  }
  const policySha256 = plan.version?.weights.policySha256 ?? null;
  if (plan.kind === 'refuse') return [answer('REFUSED', plan.why, { policySha256 })];
  const fault = await faultOf(plan.version, parts.blobs);
  if (fault !== null) return [answer('REFUSED', `it cannot be served: ${fault}`, { policySha256 })];
  const done = (records: Emit[], why: string, evidence = {}): Emit[] => {
    const sequence = publisher.versions.get(policySha256!)!.weights.sequence;
    return [...records, answer('DONE', why, { policySha256, sequence, evidence })];
  };
  if (plan.kind === 'rollback') {
    const records = publisher.goBack(plan.version, requestedBy, nowMs);
    return done(records, 'in force; newer weights are held until a promotion');
  }
  const judged = await judge(command, plan.version, state);
  if (!judged.passes) return [answer('REFUSED', judged.why, { policySha256, evidence: judged.figures })];
  const version = { ...plan.version, why: judged.why, evidence: judged.figures };
  return done(await publisher.promote(version, nowMs), judged.why, judged.figures);
}

/** The answer to a command that is not carried out. */
export function refusal(
  command: WeightsCommand,
  why: string,
  { log, nowMs }: Pick<CommandParts, 'log' | 'nowMs'>,
): Emit {
  const { commandId, kind } = command;
  log.error('a command about weights was refused', { commandId, kind, why });
  return emit(topics.weightsAnswers, {
    commandId,
    status: 'REFUSED',
    why,
    policySha256: null,
    sequence: 0,
    evidence: {},
    answeredAtMs: nowMs,
  });
}

/** Why serving would refuse a version; null when it would not. */
async function faultOf({ weights }: WeightsVersion, blobs: BlobStore): Promise<string | null> {
  try {
    const found = await blobsOf(blobs, weights);
    parsePolicy(found.basis, found.policy, found);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Judged {
  readonly passes: boolean;
  readonly why: string;
  readonly figures: Readonly<Record<string, number>>;
}

async function judge(command: WeightsCommand, version: WeightsVersion, state: CommandState): Promise<Judged> {
  if (command.force) return { passes: true, why: `${command.requestedBy} said so, without the gate`, figures: {} };
  const verdict = await state.trials.judge(state, version);
  if (typeof verdict === 'string') return { passes: false, why: `${verdict}; --force does without`, figures: {} };
  const passes = verdict.verdict === 'promote';
  const why = `the gate says ${verdict.verdict}: ${verdict.reason}`;
  return { passes, why: passes ? why : `${why}; --force does without`, figures: verdict.figures };
}
