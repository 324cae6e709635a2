/**
 * The life of one group of stages in this process: follows its views, joins its group, runs a task per owned partition, starts
 * afresh after an unknown error within limits, stops cleanly. Nothing is committed past a failure: a failed incarnation
 * writes nothing more, and what it had not committed is read again.
 */
import { type Membership, type PartitionConsumer, PlannedRestart } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { ServiceDefinition, View } from './define-service';
import type { Host } from './host';
import { alone, type StageGroup } from './placement';
import { createRehearsal, type Declare, type Rehearsal } from './rehearsal';
import { type GroupPlan, planGroup, type Surroundings } from './service-plan';
import { partsOf, type StageParts } from './stage-parts';
import { StageMemory } from './task/stage-memory';
import type { StageSurroundings } from './task/stage-run';
import { Standbys } from './task/standbys';
import { BatchFailedError } from './task/suspects';
import { Task } from './task/task';
import type { TaskSurroundings } from './task/task-surroundings';
import { type FollowedView, followView } from './view';

export type ServiceState = 'starting' | 'running' | 'restarting' | 'failed' | 'stopped';

export interface ServiceStatus {
  readonly group: string;
  readonly state: ServiceState;
  /** True while every owned partition is restored and being read. */
  readonly ready: boolean;
  readonly partitions: readonly number[];
  /** Rows of its tables over all its tasks here. */
  readonly rows: number;
  /** Restarts since the start of the process. */
  readonly restarts: number;
  readonly lastError: string | null;
}

export interface RunningService {
  /** Name of the group of stages; where a stage is alone, the name of the stage. */
  readonly group: string;
  /** Resolves when the first assignment is restored and being read; rejects when the service fails for good before. */
  readonly ready: Promise<void>;
  status(): ServiceStatus;
  /** One status for each stage, under the stage's name and with the rows of its table. */
  stageStatus(): ServiceStatus[];
  /**
   * Stops polling, finishes the batches in hand, flushes tables, commits, leaves the group. Resolves at the latest after
   * `stopTimeoutMs`; what was not committed by then is read again at the next start. Never rejects.
   */
  stop(): Promise<void>;
}

export interface HeldService extends RunningService {
  /** To be called once. Does nothing after `stop`. */
  begin(): void;
}

/** What a service has between its start, or a failure, and the next failure. */
interface Incarnation {
  /** The tasks of the newest epoch. */
  tasks: readonly Task[];
  /** Those of them that have not begun to read their inputs. */
  readonly restoring: Set<Task>;
  /** The tasks whose loops have not ended, among them those of earlier epochs. */
  readonly loops: Map<Task, Promise<void>>;
  joining: Promise<void>;
  membership: Membership | null;
  readonly views: FollowedView<unknown>[];
  /** What it knows of partitions that others own; null where it is to know nothing of them. */
  readonly standbys: Standbys | null;
  ended: boolean;
}

/** Starts one stage by itself, in a group of its name. Its topics must exist. Throws at once only for a declaration without input. */
export function runService(stage: ServiceDefinition, host: Host): RunningService {
  const service = holdGroup(alone(stage), host, { graph: [stage], isExternal: () => true });
  service.begin();
  return service;
}

/**
 * The stages of a group in shared tasks. Nothing is read before `begin`: until then their status says that they are starting. With
 * `declareAnew` a chain rehearses before it joins its group for the first time.
 */
export function holdGroup(
  group: StageGroup,
  host: Host,
  surroundings: Surroundings,
  declareAnew: Declare | null = null,
): HeldService {
  const plan = planGroup(group, host, surroundings);
  // A step of its own is taken up soon; who decides from request to decision is waited for.
  const rehearses = declareAnew !== null && plan.handed.length > 0;
  return new Service(plan, host, rehearses ? createRehearsal(group, host, surroundings, declareAnew) : null);
}

class Service implements HeldService {
  readonly group: string;
  readonly ready: Promise<void>;
  private readonly stages: readonly StageParts[];
  private state: ServiceState = 'starting';
  private incarnation: Incarnation | null = null;
  private restartTimesMs: number[] = [];
  /** Restarts that narrow a failed batch down: each brings the record at fault closer, so they are slowed, not counted. */
  private narrowingTimesMs: number[] = [];
  private restarts = 0;
  private lastError: Error | null = null;
  private cancelRestart: (() => void) | null = null;
  private stopped: Promise<void> | null = null;
  /** The incarnation being taken down after a failure, if any. */
  private ending: Promise<void> = Promise.resolve();
  private resolveReady!: () => void;
  private rejectReady!: (error: Error) => void;

  constructor(
    private readonly plan: GroupPlan,
    private readonly host: Host,
    /** Null where there is none, and once there was one. */
    private rehearse: Rehearsal | null = null,
  ) {
    this.group = plan.name;
    this.stages = plan.stages.map((stage) => partsOf(stage, host));
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.rejectReady = reject;
    });
    // A rejection that nobody waits for would end the process.
    this.ready.catch(() => {});
  }

  begin(): void {
    if (this.stopped) return;
    const incarnation: Incarnation = {
      tasks: [],
      restoring: new Set(),
      loops: new Map(),
      joining: Promise.resolve(),
      membership: null,
      views: [],
      standbys: this.standbysOf(),
      ended: false,
    };
    this.incarnation = incarnation;
    incarnation.joining = this.join(incarnation);
    incarnation.joining.catch((error: Error) => this.crash(incarnation, error));
  }

  status(): ServiceStatus {
    const tasks = this.incarnation?.tasks ?? [];
    return {
      group: this.group,
      state: this.state,
      ready: this.state === 'running' && this.incarnation?.restoring.size === 0,
      partitions: tasks.map((task) => task.partition),
      rows: tasks.reduce(
        (sum, { stages }) => sum + stages.reduce((rows, { table }) => rows + (table?.size ?? 0), 0),
        0,
      ),
      restarts: this.restarts,
      lastError: this.lastError?.message ?? null,
    };
  }

  stageStatus(): ServiceStatus[] {
    const status = this.status();
    const tasks = this.incarnation?.tasks ?? [];
    return this.names.map((group, at) => {
      const rows = tasks.reduce((sum, task) => sum + (task.stages[at]!.table?.size ?? 0), 0);
      return { ...status, group, rows };
    });
  }

  private get names(): string[] {
    return this.plan.stages.map(({ definition }) => definition.group);
  }

  /** Metrics are the stages', wherever they run. */
  private setForStages(name: 'quantum_router_service_ready' | 'quantum_router_partitions_owned', value: number): void {
    for (const service of this.names) this.host.metrics.set(name, { service }, value);
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopOnce();
    return this.stopped;
  }

  private async stopOnce(): Promise<void> {
    const { clock, limits } = this.host;
    this.cancelRestart?.();
    const { incarnation } = this;
    if (this.state !== 'failed') this.state = 'stopped';
    this.rejectReady(new Error(`service ${this.group} was stopped`));
    // A start that is still reading them ends.
    incarnation?.standbys?.stop();
    this.setForStages('quantum_router_service_ready', 0);
    await this.ending;
    if (!incarnation || incarnation.ended) return;
    for (const task of incarnation.tasks) task.stop();
    const inTime = await endsWithin(clock, limits.stopTimeoutMs, this.drain(incarnation));
    if (inTime) return;
    this.host.log.error('stop took too long; what is not committed will be read again', { service: this.group });
    await this.end(incarnation, 0);
  }

  private async drain(incarnation: Incarnation): Promise<void> {
    await Promise.allSettled([incarnation.joining]);
    while (incarnation.loops.size > 0) await Promise.all(incarnation.loops.values());
    for (const { rememberer } of this.stages) await rememberer.idle();
    await this.end(incarnation, this.host.limits.stopTimeoutMs);
  }

  private async join(incarnation: Incarnation): Promise<void> {
    const { host, plan } = this;
    const crash = (error: Error): void => this.crash(incarnation, error);
    const { rehearse } = this;
    // `join` does so first of all; a member that has something to do before it joins does not leave its earlier self there meanwhile.
    const joinsLater = incarnation.standbys !== null || rehearse !== null;
    const replaced = joinsLater && host.broker.expelEarlierSelf?.({ group: plan.wireGroup, topics: plan.wires });
    const warm = incarnation.standbys?.begin();
    const stages: StageSurroundings[] = [];
    for (const parts of this.stages) {
      const views = new Map<string, View<unknown>>();
      const { views: topics, group } = parts.plan.definition;
      for (const topic of topics) {
        const followed = await followView(group, topic, host, crash);
        if (incarnation.ended || this.stopped) return followed.stop();
        incarnation.views.push(followed);
        views.set(topic.name, followed.view);
      }
      stages.push({ ...parts, host, views });
    }
    // Whoever owns the partitions now goes on with them meanwhile; they would stand still once this member is in the group.
    this.rehearse = null;
    const isWanted = (): boolean => !incarnation.ended && !this.stopped;
    const views = stages.map((stage) => stage.views);
    await Promise.all([replaced, warm, rehearse?.(views, isWanted)]);
    if (incarnation.ended || this.stopped) return;
    const around: TaskSurroundings = { plan, host, stages };
    const membership = await host.broker.join({
      group: plan.wireGroup,
      topics: plan.wires,
      forwards: plan.forwards,
      startAt: plan.startAt,
      lingerMs: plan.lingerMs,
      maxGapMs: plan.maxGapMs,
      ...(host.delivery && { delivery: host.delivery }),
      onAssigned: (_epoch, consumers) => this.assign(incarnation, around, consumers),
      onFailed: crash,
    });
    if (incarnation.ended || this.stopped) await membership.leave();
    else incarnation.membership = membership;
  }

  /**
   * Starts a task for every partition that is new here. Those that stay go on with their tasks; tasks of partitions that have
   * gone find out by themselves that they are stale.
   */
  private assign(incarnation: Incarnation, around: TaskSurroundings, consumers: readonly PartitionConsumer[]): void {
    if (incarnation.ended || this.stopped) return;
    const present = new Map(incarnation.tasks.map((task) => [task.consumer, task]));
    const earlier = [...incarnation.loops];
    const { standbys } = incarnation;
    const memoriesFor = (consumer: PartitionConsumer): readonly StageMemory[] =>
      standbys?.take(consumer.partition) ?? this.memoriesOf(consumer.partition, consumer.recordAt?.bind(consumer));
    const tasks = consumers.map(
      (consumer) => present.get(consumer) ?? new Task(around, consumer, memoriesFor(consumer)),
    );
    standbys?.keepAllBut(consumers.map(({ partition }) => partition));
    const added = tasks.filter(({ consumer }) => !present.has(consumer));
    for (const task of incarnation.tasks) if (!tasks.includes(task)) incarnation.restoring.delete(task);
    for (const task of added) incarnation.restoring.add(task);
    incarnation.tasks = tasks;
    this.setForStages('quantum_router_partitions_owned', tasks.length);
    const startedMs = this.host.elapsedMs();
    const restored = (task: Task): void => {
      if (incarnation.ended || this.stopped || !incarnation.restoring.delete(task)) return;
      const seconds = (this.host.elapsedMs() - startedMs) / 1_000;
      for (const service of this.names)
        this.host.metrics.observe('quantum_router_restore_seconds', { service }, seconds);
      if (incarnation.restoring.size === 0) this.allRestored(incarnation);
    };
    for (const task of added) {
      // An earlier task of this partition may still be inside a look-up or a processor: one at a time.
      const before = earlier.filter(([{ partition }]) => partition === task.partition).map(([, loop]) => loop);
      const loop = Promise.all(before)
        .then(() => task.run(() => restored(task)))
        .catch((error: Error) => {
          this.tellLost(task);
          // Another member owns the partition now, or a later task of this one: what this task did not commit, that one
          // does. A task that takes itself for replaced while its partition is still ours would leave it to nobody.
          if (!task.isStale()) this.crash(incarnation, error);
        })
        .finally(() => incarnation.loops.delete(task));
      incarnation.loops.set(task, loop);
    }
    // A member without partitions stands by, and counts as ready.
    if (incarnation.restoring.size === 0) this.allRestored(incarnation);
  }

  private allRestored({ tasks }: Incarnation): void {
    this.state = 'running';
    this.setForStages('quantum_router_service_ready', 1);
    this.host.log.info('service ready', { service: this.group, partitions: tasks.map((task) => task.partition) });
    this.resolveReady();
  }

  private memoriesOf(partition: number, recordAt?: PartitionConsumer['recordAt']): readonly StageMemory[] {
    return this.plan.stages.map((stage) => new StageMemory(stage, this.host, partition, recordAt));
  }

  private standbysOf(): Standbys | null {
    const { clock, log, standbyPartitions: most = 0 } = this.host;
    const { stages, handed } = this.plan;
    // A step of its own is taken up soon, and its processes are many: who decides from request to decision is missed at once.
    if (most === 0 || handed.length === 0) return null;
    return new Standbys({
      partitions: stages[0]!.partitions,
      most,
      memoriesOf: (partition) => this.memoriesOf(partition),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      onFailed: (partition, error) =>
        log.debug('a stand-by could not be read, and is begun anew', { service: this.group, partition, error }),
    });
  }

  /** A processor shows what it does in figures of its own, which must not outlive its task. */
  private tellLost({ partition }: Task): void {
    for (const { plan } of this.stages)
      for (const { input } of plan.inputs.values()) if (input.kind === 'process') input.onLost?.(partition);
  }

  /** The first failure of an incarnation ends it; those that follow from it are not news. */
  private crash(incarnation: Incarnation, error: Error): void {
    if (incarnation.ended) return;
    incarnation.ended = true;
    const { host, group } = this;
    this.setForStages('quantum_router_service_ready', 0);
    if (error instanceof PlannedRestart) host.log.info('service begins anew', { service: group, why: error.message });
    else {
      this.lastError = error;
      host.log.error('service crashed', { service: group, error });
    }
    this.ending = this.takeDown(incarnation, error);
  }

  private async takeDown(incarnation: Incarnation, error: Error): Promise<void> {
    const { host, group } = this;
    const { limits, clock, metrics } = host;
    if (!this.stopped) this.state = 'restarting';
    await this.end(incarnation, limits.stopTimeoutMs);
    if (this.stopped) return;
    const again = (waitMs: number, begin = () => this.begin()): void => {
      this.cancelRestart = clock.setTimer(waitMs, begin);
    };
    // Nothing has failed, so nobody should hear of a failure.
    if (error instanceof PlannedRestart) return again(limits.restartBackoffMs);
    const nowMs = clock.monotonicMs();
    const recent = (times: readonly number[]): number[] =>
      times.filter((timeMs) => nowMs - timeMs < limits.restartWindowMs);
    this.restartTimesMs = recent(this.restartTimesMs);
    this.narrowingTimesMs = recent(this.narrowingTimesMs);
    const isNarrowing = error instanceof BatchFailedError;
    const times = isNarrowing ? this.narrowingTimesMs : this.restartTimesMs;
    const inWindow = times.length;
    if (!isNarrowing && inWindow >= limits.maxRestarts) {
      this.state = 'failed';
      const tried = inWindow > 0 ? ` after ${inWindow} restarts within ${limits.restartWindowMs} ms` : '';
      const fatal = new Error(`service ${group} failed for good${tried}: ${error.message}`, { cause: error });
      host.log.error('service failed for good', { service: group, error: fatal });
      this.rejectReady(fatal);
      host.onFatal(group, fatal);
      return;
    }
    times.push(nowMs);
    again(Math.min(limits.maxRestartBackoffMs, limits.restartBackoffMs * 2 ** inWindow), () => {
      this.restarts++;
      for (const service of this.names) metrics.count('quantum_router_restarts_total', { service });
      this.begin();
    });
  }

  /** Abandons what still runs and leaves the group. Waits for loops in the middle of something, up to `waitMs`. */
  private async end(incarnation: Incarnation, waitMs: number): Promise<void> {
    incarnation.ended = true;
    for (const task of incarnation.tasks) task.abandon();
    const { membership, views, loops, standbys } = incarnation;
    standbys?.stop();
    const failures = await Promise.allSettled([membership?.leave(), ...views.map((view) => view.stop())]);
    for (const result of failures) {
      if (result.status === 'rejected') {
        this.host.log.warn('leaving was not clean', { service: this.group, error: result.reason as Error });
      }
    }
    const rest = Promise.allSettled([incarnation.joining, ...loops.values()]);
    if (waitMs > 0) await endsWithin(this.host.clock, waitMs, rest);
  }
}

/** True when `work` ends within `limitMs` on the clock; false, without waiting further, when it does not. */
function endsWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(limitMs, () => resolve(false));
    work.then(() => resolve(true), reject).finally(cancel);
  });
}
