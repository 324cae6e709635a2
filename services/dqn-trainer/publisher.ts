/**
 * From what the fold puts out to what the engine sees: blobs, then the pointer to them, then the tuning, each under a
 * growing number, and a record of every version. A restart folds again what was published before; only news goes out.
 */
import { type Emit, emit } from '../../lib/stream/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { PublishReason, Tuning, WeightsPublished, WeightsVersion } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { BlobStore } from '../../lib/weights/blob-store';
import type { FoldOutput } from './fold/fold';
import { heldTuning } from './held-tuning';
import type { Mode } from './mode';
import type { TrialVerdict } from './trial';
import type { Versions } from './versions';

type PolicyOutput = Extract<FoldOutput, { kind: 'policy' }>;

export interface PublisherOptions {
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What is in force, as read at the start. */
  readonly weights: WeightsPublished | null;
  readonly tuning: Tuning | null;
  readonly versions: Versions;
  /** Of the fold. */
  readonly lineage: string;
  readonly mode: Mode;
  /**
   * One past the last event, as the fold counts, that what is in force can have been made from: what the records claim beyond
   * that came from a log that is gone, and must not hold news back.
   */
  readonly knownTo: number;
}

/** Policies and bases kept in the key-value store; decisions in flight may still name older ones, which come from the log. */
const keptShared = 16;
/** Of the figures in `WeightsPublished.metrics` that are 1 while an alarm lasts. */
const alarmPrefix = 'alarm.';

export class Publisher {
  /** Of the configuration in force; for the record. */
  configVersion = 0;
  private mode: Mode;
  private weights: WeightsPublished | null;
  private sequence: number;
  private tuningVersion: number;
  /** What of the tuning in force belongs to the weights in force. */
  private tuningInForce: Tuning | null;
  /** The fold's own, since the start. */
  private newestTuning: Tuning | null = null;
  private newestPolicy: PolicyOutput | null = null;
  /** The candidate has had its last look: the next policy takes its place. */
  private isSpent = false;
  /** Policies and tunings up to here have been published before. */
  private policyNewsAfter: number;
  private tuningNewsAfter: number;
  private shared: string[];
  /** Copies on their way to the key-value store. One that fails has said so: readers then take it from the log. */
  private copies: Promise<void>[] = [];
  private readonly written = new Set<string>();
  /** As the newest policy says of its making. */
  private isConverged = false;
  private isBehind = false;
  /** Records that the start has to write. */
  private readonly pending: Emit[];

  constructor(private readonly options: PublisherOptions) {
    const { weights, tuning, versions, mode } = options;
    this.mode = mode;
    this.weights = weights;
    // A record that was lost or written by a zombie must not take the numbers back: readers would ignore what comes.
    this.sequence = Math.max(weights?.sequence ?? 0, ...versions.all().map((version) => version.weights.sequence));
    this.tuningVersion = tuning?.version ?? 0;
    this.tuningInForce = tuning;
    this.policyNewsAfter = Math.min(weights?.toOffset ?? 0, options.knownTo);
    this.tuningNewsAfter = Math.min(tuning?.eventOffset ?? 0, options.knownTo);
    this.shared = weights ? [weights.basisSha256, weights.policySha256] : [];
    // The configuration went on to another lineage, or back: nobody judges these any more.
    const stale = versions
      .all()
      .filter(
        ({ state, weights: of }) =>
          state === 'CANDIDATE' && (of.lineage !== options.lineage || mode.kind === 'increments'),
      );
    this.pending = stale.flatMap(({ weights: of }) => versions.remove(of.policySha256));
    this.showHeld();
  }

  get inForce(): WeightsPublished | null {
    return this.weights;
  }

  get tuning(): Tuning | null {
    return this.tuningInForce;
  }

  get versions(): Versions {
    return this.options.versions;
  }

  /** Whether the fold's policies are kept back until its log is folded. */
  get isCatchingUp(): boolean {
    return this.mode.kind === 'catchingUp';
  }

  /** Whether the gate may put the candidate in force by itself. */
  get isAutomatic(): boolean {
    return this.mode.kind === 'held' && this.mode.automatic;
  }

  /** What could take over from the weights in force: of the fold's lineage, waiting or left by rollbacks, the newest. */
  get candidate(): WeightsVersion | null {
    const { weights } = this;
    const { lineage, versions } = this.options;
    if (this.mode.kind !== 'held' || !weights) return null;
    const own = versions.all().filter((version) => version.weights.lineage === lineage);
    const waiting = own.filter(({ state }) => state === 'CANDIDATE').at(-1);
    if (waiting) return waiting;
    const older = weights.lineage === lineage ? weights.toOffset : Number.NEGATIVE_INFINITY;
    return own
      .filter(({ state, weights: { toOffset } }) => state === 'ROLLED_BACK' && toOffset > older)
      .reduce<WeightsVersion | null>(
        (best, one) => (best && best.weights.toOffset >= one.weights.toOffset ? best : one),
        null,
      );
  }

  /** Hashes that readers may still ask for, newest last. */
  get sharedSha256s(): readonly string[] {
    const { candidate } = this;
    return candidate ? [...this.shared, candidate.weights.basisSha256, candidate.weights.policySha256] : this.shared;
  }

  /** The records of some outputs. `upToOffset` is one past the last event of their batch. */
  async take(outputs: readonly FoldOutput[], upToOffset: number, nowMs: number): Promise<Emit[]> {
    const records: Emit[] = this.pending.splice(0);
    for (const output of outputs) {
      if (output.kind === 'tuning') {
        this.newestTuning = output.tuning;
        if (output.tuning.eventOffset > this.tuningNewsAfter) records.push(...this.tuningRecords());
        continue;
      }
      // A basis comes once, with the first policy that needs it; a rejected or held-back policy must not take it along.
      this.report(output);
      if (output.basis) records.push(...(await this.putBlob(output.basisSha256, output.basis, 'basis')));
      if (output.rejected !== null) records.push(...(await this.reject(output, nowMs)));
      else records.push(...(await this.accept(output, nowMs)));
    }
    if (this.mode.kind === 'catchingUp' && upToOffset >= this.mode.untilOffset && this.newestPolicy)
      records.push(...(await this.arrive(this.mode, this.newestPolicy, nowMs)));
    if (outputs.some(({ kind }) => kind === 'policy')) records.push(...(await this.forgetOld()));
    return records;
  }

  /**
   * Once all copies are there or have failed. Waited for once a batch: where the thread is busy each wait is as long as all that
   * is done there meanwhile, and a batch may make a policy for every other of its events.
   */
  async copied(): Promise<void> {
    await Promise.all(this.copies.splice(0));
  }

  private async forgetOld(): Promise<Emit[]> {
    const { records, refused } = this.options.versions.prune();
    for (const { weights } of refused) records.push(...(await this.removeBlob(weights.policySha256)));
    return records;
  }

  /** What follows from the gate's verdict on the candidate: it comes into force, is given up, or waits on. */
  async heed(verdict: TrialVerdict, nowMs: number): Promise<Emit[]> {
    const { candidate, newestPolicy } = this;
    if (!candidate) return [];
    const { log } = this.options;
    const { policySha256, toOffset } = candidate.weights;
    log.info('the gate has judged a candidate', { policySha256, verdict: verdict.verdict, reason: verdict.reason });
    // Why somebody went back from it stays known.
    const why = candidate.state === 'ROLLED_BACK' ? candidate.why : verdict.reason;
    const judged: WeightsVersion = { ...candidate, why, evidence: verdict.figures };
    if (this.isAutomatic && verdict.verdict === 'promote') return this.promote(judged, nowMs);
    if (this.isAutomatic && verdict.verdict === 'keep' && verdict.isWorse) {
      log.warn('a candidate was refused; the weights in force stay until somebody decides', { policySha256 });
      this.mode = { kind: 'held', automatic: false };
      return this.options.versions.put({ ...judged, state: 'REJECTED', changedAtMs: nowMs });
    }
    // Nothing could be shown, or only a person may decide: evidence of today is better spent on a policy of today.
    this.isSpent = verdict.isLast;
    if (verdict.isLast && newestPolicy && newestPolicy.published.toOffset > toOffset)
      return this.renewCandidate(newestPolicy, nowMs);
    return this.options.versions.put(judged);
  }

  /** Puts a version of the fold's lineage in force and goes on with what the fold has made since. */
  async promote(version: WeightsVersion, nowMs: number): Promise<Emit[]> {
    const { newestPolicy } = this;
    this.mode = { kind: 'increments' };
    this.policyNewsAfter = version.weights.toOffset;
    this.tuningInForce = version.tuning;
    const records = this.putInForce(version, 'PROMOTION', nowMs);
    if (newestPolicy && newestPolicy.published.toOffset > version.weights.toOffset)
      records.push(...(await this.accept(newestPolicy, nowMs)));
    if (this.newestTuning) records.push(...this.tuningRecords());
    this.showHeld();
    return records;
  }

  /** Puts an earlier version in force and holds back whatever the fold makes until a promotion. `who`: for the record. */
  goBack(version: WeightsVersion, who: string, nowMs: number): Emit[] {
    const { versions } = this.options;
    const left = this.weights && versions.get(this.weights.policySha256);
    const held = { kind: 'held', automatic: false } as const;
    this.mode = this.mode.kind === 'catchingUp' ? { ...this.mode, afterwards: held } : held;
    const to = `${who} went back from it to ${version.weights.policySha256}`;
    const records = left ? versions.put({ ...left, state: 'ROLLED_BACK', why: to, changedAtMs: nowMs }) : [];
    const tuning = this.newestTuning ?? this.tuningInForce;
    this.tuningInForce = version.tuning ?? this.tuningInForce;
    records.push(...this.putInForce({ ...version, why: `${who} went back to it` }, 'ROLLBACK', nowMs));
    if (tuning) records.push(this.tuningRecord(heldTuning(tuning, this.tuningInForce)));
    this.showHeld();
    return records;
  }

  private async accept(output: PolicyOutput, nowMs: number): Promise<Emit[]> {
    const { published, policySha256 } = output;
    this.options.metrics.set('quantum_router_training_loss', {}, published.metrics['loss'] ?? 0);
    if (this.mode.kind === 'increments') {
      if (published.toOffset <= this.policyNewsAfter) return [];
      const reason = this.weights === null ? 'FIRST' : 'INCREMENT';
      return [...(await this.putPolicy(output)), ...this.putInForce(this.versionOf(output, nowMs), reason, nowMs)];
    }
    this.newestPolicy = output;
    const isKnown = this.options.versions.get(policySha256) !== undefined;
    if (this.mode.kind === 'catchingUp' || isKnown) return [];
    if (!this.candidate) return this.makeCandidate(output, nowMs, 'waits for evidence');
    return this.isSpent && published.toOffset > this.candidate.weights.toOffset
      ? this.renewCandidate(output, nowMs)
      : [];
  }

  private async renewCandidate(output: PolicyOutput, nowMs: number): Promise<Emit[]> {
    const { candidate } = this;
    const old = candidate?.weights.policySha256 ?? '';
    const left = candidate?.state === 'CANDIDATE' ? this.options.versions.remove(old) : [];
    return [...left, ...(await this.makeCandidate(output, nowMs, `in the place of ${old}`))];
  }

  /** The version stays in the record, and its blob with it: somebody may look, or decide otherwise. */
  private async reject(output: PolicyOutput, nowMs: number): Promise<Emit[]> {
    const { policySha256, rejected } = output;
    const { metrics, log, versions } = this.options;
    metrics.count('quantum_router_weights_rejected_total', {});
    log.error('a policy was rejected; the one before it stays in force', { policySha256, rejected });
    if (versions.get(policySha256)) return [];
    const version = this.versionOf(output, nowMs);
    return [...(await this.putPolicy(output)), ...versions.put({ ...version, state: 'REJECTED', why: rejected ?? '' })];
  }

  /** The log has been folded: the newest policy comes into force or on trial, and with it what else was kept back. */
  private async arrive(
    { afterwards }: Extract<Mode, { kind: 'catchingUp' }>,
    newest: PolicyOutput,
    nowMs: number,
  ): Promise<Emit[]> {
    const records: Emit[] = [];
    this.mode = afterwards === 'publish' ? { kind: 'increments' } : afterwards;
    if (afterwards === 'publish') {
      const { weights } = this;
      if (weights?.policySha256 !== newest.policySha256) {
        const isSame = weights === null || weights.lineage === this.options.lineage || weights.lineage === '';
        const reason = weights === null ? 'FIRST' : isSame ? 'INCREMENT' : 'PROMOTION';
        const why = reason === 'PROMOTION' ? 'what was in force is of another encoder and cannot serve' : '';
        const version = { ...this.versionOf(newest, nowMs), why };
        records.push(...(await this.putPolicy(newest)), ...this.putInForce(version, reason, nowMs));
      }
    } else if (!this.candidate) {
      records.push(...(await this.makeCandidate(newest, nowMs, 'waits for evidence')));
    }
    if (this.newestTuning) records.push(...this.tuningRecords());
    this.showHeld();
    return records;
  }

  private async makeCandidate(output: PolicyOutput, nowMs: number, why: string): Promise<Emit[]> {
    const { policySha256 } = output;
    this.isSpent = false;
    this.options.log.info('a candidate waits; the weights in force stay', { policySha256, why });
    const version = this.versionOf(output, nowMs);
    const weights = { ...version.weights, reason: 'PROMOTION' as const };
    const records = this.options.versions.put({ ...version, weights, state: 'CANDIDATE', why });
    return [...(await this.putPolicy(output)), ...records];
  }

  private putInForce(version: WeightsVersion, reason: PublishReason, nowMs: number): Emit[] {
    const { metrics, log, versions } = this.options;
    const weights = { ...version.weights, reason, sequence: ++this.sequence, publishedAtMs: nowMs };
    const { policySha256, basisSha256, sequence } = weights;
    this.weights = weights;
    this.touch(basisSha256);
    this.touch(policySha256);
    metrics.count('quantum_router_weights_in_force_total', { reason });
    if (reason !== 'INCREMENT') log.info('weights came into force', { policySha256, sequence, reason });
    return [
      emit(topics.weightsPublished, weights),
      ...versions.put({ ...version, weights, state: 'PUBLISHED', changedAtMs: nowMs }),
    ];
  }

  private versionOf({ published }: PolicyOutput, nowMs: number): WeightsVersion {
    const weights: WeightsPublished = {
      ...published,
      lineage: this.options.lineage,
      reason: 'INCREMENT',
      sequence: 0,
      publishedAtMs: 0,
    };
    return {
      weights,
      state: 'PUBLISHED',
      why: '',
      configVersion: this.configVersion,
      evidence: {},
      tuning: this.newestTuning,
      checkpointSha256: null,
      forgot: null,
      changedAtMs: nowMs,
    };
  }

  /** The fold's newest tuning as far as it may go out. */
  private tuningRecords(): Emit[] {
    const { mode, newestTuning } = this;
    if (!newestTuning || mode.kind === 'catchingUp') return [];
    if (mode.kind === 'held') return [this.tuningRecord(heldTuning(newestTuning, this.tuningInForce))];
    this.tuningInForce = newestTuning;
    return [this.tuningRecord(newestTuning)];
  }

  private tuningRecord(tuning: Tuning): Emit {
    this.options.metrics.count('quantum_router_weights_published_total', { kind: 'tuning' });
    return emit(topics.tuning, { ...tuning, version: ++this.tuningVersion });
  }

  private async putPolicy({ policySha256, policy, published }: PolicyOutput): Promise<Emit[]> {
    const records = await this.putBlob(policySha256, policy, 'policy');
    this.touch(published.basisSha256);
    return records;
  }

  private async putBlob(sha256: string, bytes: Buffer, kind: 'policy' | 'basis'): Promise<Emit[]> {
    const { blobs, metrics } = this.options;
    this.touch(sha256);
    if (this.written.has(sha256)) return [];
    this.written.add(sha256);
    metrics.count('quantum_router_weights_published_total', { kind });
    this.copies.push(blobs.share(sha256, bytes));
    return blobs.putToRecords(sha256, bytes);
  }

  private async removeBlob(sha256: string): Promise<Emit[]> {
    const { blobs } = this.options;
    const bytes = await blobs.load(sha256);
    this.written.delete(sha256);
    return bytes ? blobs.removeToRecords(sha256, bytes.length) : [];
  }

  private touch(sha256: string): void {
    this.shared = [...this.shared.filter((one) => one !== sha256), sha256].slice(-keptShared);
  }

  /** What the learner says of its own health. */
  private report({ policySha256, alarms, published }: PolicyOutput): void {
    const { metrics, log } = this.options;
    for (const { name, text } of alarms) log.warn('the learner raises an alarm', { alarm: name, text, policySha256 });
    for (const [name, value] of Object.entries(published.metrics)) {
      if (name.startsWith(alarmPrefix))
        metrics.set('quantum_router_learning_alarm', { alarm: name.slice(alarmPrefix.length) }, value);
      else metrics.set('quantum_router_learning_figure', { figure: name }, value);
    }
    this.isConverged = published.metrics['converged'] === 1;
    this.showConverged();
  }

  /** Whether much waits to be folded in. Nobody knows whether learning has come to rest while the newest is not learned. */
  setBehind(isBehind: boolean): void {
    this.isBehind = isBehind;
    this.showConverged();
  }

  private showConverged(): void {
    const value = this.isConverged && !this.isBehind ? 1 : 0;
    const { metrics } = this.options;
    metrics.set('quantum_router_learning_converged', {}, value);
    metrics.set('quantum_router_learning_figure', { figure: 'converged' }, value);
  }

  private showHeld(): void {
    this.options.metrics.set('quantum_router_weights_held', {}, this.mode.kind === 'increments' ? 0 : 1);
  }
}
