/** The fold itself, in the calling thread: the learner, fed each event once, its policies checked before anybody may serve them. */
import { checkEvent } from '../../../lib/learning/fold/check-event';
import { createForgetting, type Forgetting } from '../../../lib/learning/fold/forget';
import {
  createLearner,
  type Learner,
  type LearnerOptions,
  type LearnerOutput,
} from '../../../lib/learning/fold/learner';
import { parsePolicy } from '../../../lib/learning/value/policy';
import { createRecentIds, type RecentIds } from '../../../lib/stream/task/recent-ids';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { tensorBackendOf } from '../tensor-backend';
import type { EventFault, Fold, FoldCheckpoint, Folded, FoldOutput } from './fold';
import type { FoldBatch, FoldSettings } from './fold-settings';
import { type FoldState, readFoldState, writeFoldState } from './fold-state';

/** Events between a record and its duplicate: what all writers can have in flight, several times over. */
const rememberedIds = 4_096;

/** Among the figures of a policy: judgements that it has not learned from because they are to be forgotten. */
export const forgottenFigure = 'forgotten';

type PolicyMade = Extract<LearnerOutput, { kind: 'policy' }>;

/** `tamper`: see `LearnerOptions`; for tests and `make inject` only. */
export async function startFoldInline(
  settings: FoldSettings,
  saved: Buffer | null,
  tamper?: LearnerOptions['tamper'],
): Promise<Fold> {
  const state = saved ? readFoldState(saved) : null;
  const { seed, learning, budgetUsdPerRequest, utilityScale, explorationFloor, encoderVersion } = settings;
  const learner = await createLearner({
    seed,
    config: learning,
    budgetUsdPerRequest,
    utilityScale,
    explorationFloor,
    encoderVersion,
    backend: tensorBackendOf(learning.backend),
    ...(state && { checkpoint: state.learner }),
    ...(tamper && { tamper }),
  });
  return new InlineFold(settings, learner, state);
}

class InlineFold implements Fold {
  readonly eventOffset: number;
  readonly replayFromOffset: number;
  private nextOffset: number;
  private basis: Buffer | null;
  private readonly known: RecentIds = createRecentIds(rememberedIds);
  /** The same ids in order, to be saved; cut now and then. */
  private order: string[] = [];
  /** Ids met while the replay is read again: those of the saved state are all known by then. */
  private readonly reloaded: RecentIds = createRecentIds(rememberedIds);
  private readonly forgetting: Forgetting;
  private readonly reloading: Forgetting;

  constructor(
    private readonly settings: FoldSettings,
    private readonly learner: Learner,
    saved: FoldState | null,
  ) {
    this.eventOffset = saved?.eventOffset ?? 0;
    this.replayFromOffset = saved ? learner.replayFromOffset : 0;
    this.nextOffset = this.eventOffset;
    this.basis = saved?.basis ?? null;
    this.forgetting = createForgetting(settings.learning.forget, saved?.forgotten);
    this.reloading = createForgetting(settings.learning.forget);
    for (const id of saved?.recentIds ?? []) this.isNew(id);
  }

  async reload(batch: FoldBatch): Promise<void> {
    for (const { event, offset } of batch) {
      if (this.isForeign(event)) continue;
      const checked = checkEvent(event);
      if (checked.fault === null && this.reloaded.add(event.eventId))
        this.learner.reload(this.reloading.hear(checked.event), offset);
    }
  }

  async apply(batch: FoldBatch): Promise<Folded> {
    const outputs: FoldOutput[] = [];
    const folded = new Map<string, number>();
    let duplicates = 0;
    let foreign = 0;
    const faults: EventFault[] = [];
    for (const { event, offset } of batch) {
      this.nextOffset = offset + 1;
      if (!event.pace && this.isForeign(event)) {
        foreign++;
        continue;
      }
      const checked = checkEvent(event);
      if (checked.fault !== null) faults.push({ offset, fault: checked.fault });
      else if (!this.isNew(event.eventId)) duplicates++;
      else {
        const kind = event.pace ? 'PACE' : event.kind;
        folded.set(kind, (folded.get(kind) ?? 0) + 1);
        const heard = this.forgetting.hear(checked.event);
        for (const output of this.learner.apply(heard, offset)) outputs.push(this.checked(output));
      }
    }
    return { outputs, folded, duplicates, foreign, faults, pace: this.learner.pace };
  }

  async checkpoint(): Promise<FoldCheckpoint> {
    const { settings, learner, basis, nextOffset: eventOffset } = this;
    const recentIds = this.order.slice(-rememberedIds);
    const forgotten = this.forgets ? this.forgetting.saved() : undefined;
    const bytes = writeFoldState({ settings, eventOffset, recentIds, basis, learner: learner.checkpoint(), forgotten });
    return { bytes, eventOffset, replayFromOffset: learner.replayFromOffset };
  }

  async close(): Promise<void> {
    this.learner.dispose();
  }

  private get forgets(): boolean {
    return (this.settings.learning.forget ?? []).length > 0;
  }

  private isNew(eventId: string): boolean {
    if (!this.known.add(eventId)) return false;
    this.order.push(eventId);
    if (this.order.length >= 2 * rememberedIds) this.order = this.order.slice(-rememberedIds);
    return true;
  }

  /** A caller's own vector is the same whatever our encoder is. */
  private isForeign(event: LearningEvent): boolean {
    return event.encoderVersion !== this.settings.encoderVersion && event.callerFeatures === null;
  }

  /** What the guard has refused, and what fails the check that serving makes (shape, hash, not finite) and so would fail every thread. */
  private checked(made: LearnerOutput): FoldOutput {
    if (made.kind !== 'policy') return made;
    const output = this.forgets ? withFigure(made, forgottenFigure, this.forgetting.judgements) : made;
    const { policy, policySha256, basisSha256, refused } = output;
    this.basis = output.basis ?? this.basis;
    if (refused !== null) return { ...output, rejected: refused };
    try {
      if (!this.basis) throw new Error('it came without a basis');
      parsePolicy(this.basis, policy, { policySha256, basisSha256 });
      return { ...output, rejected: null };
    } catch (error) {
      return { ...output, rejected: (error as Error).message };
    }
  }
}

function withFigure(output: PolicyMade, figure: string, value: number): PolicyMade {
  const { published } = output;
  return { ...output, published: { ...published, metrics: { ...published.metrics, [figure]: value } } };
}
