/** Runs several services in one process: checks their graph, makes their topics, starts readers before writers and stops them the other way round. */
import type { TopicSettings } from '../ports/broker';
import { settingsOf } from '../topics/define-topic';
import { deadLetterSettings } from './dead-letters';
import { isOnRequestPath, type ServiceDefinition } from './define-service';
import type { Host } from './host';
import { type Placement, place, type StageGroup, separate } from './placement';
import type { Declare } from './rehearsal';
import { type HeldService, holdGroup, type RunningService, type ServiceStatus } from './run-service';
import {
  externallyWritten,
  type GraphOptions,
  topicInputs,
  topicsOf,
  validateGraph,
  validatePlacement,
} from './validate-graph';

export interface EngineOptions extends Omit<GraphOptions, 'requestPathPartitions'> {
  /** All services of the engine where this process runs only some of them; the whole graph is checked. */
  readonly graph?: readonly ServiceDefinition[];
  /** Edges of the graph, which something else runs: they are checked with it. */
  readonly edges?: readonly ServiceDefinition[];
  /** Which stages share a task; by default none do. */
  readonly placement?: Placement;
  /**
   * Declares the stages once more, on a host from which nothing gets out: then a chain decides the newest requests once for nobody before
   * it joins its group. For processes that are not the only ones of their kind.
   */
  readonly declareAnew?: Declare;
  /** Services off the request path restore their state, which may be long, once those on it are ready: only these are waited for. */
  readonly offPathLater?: boolean;
}

export interface RunningEngine {
  /** Groups of stages, in the order they were started. */
  readonly services: readonly RunningService[];
  /** True while every service is ready. */
  ready(): boolean;
  /** Stages on the request path that are not ready: nothing is decided without them. */
  awaited(): readonly string[];
  /** Of every stage. */
  status(): readonly ServiceStatus[];
  /** Stops writers before readers, each cleanly. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Resolves once every service is ready, or every one that is not started later. Rejects with an InvalidGraphError before
 * anything was touched, or, when a service cannot start, with its reason after the others were stopped again. From then on
 * a crash of one service restarts only that service.
 */
export async function runServices(
  definitions: readonly ServiceDefinition[],
  host: Host,
  options: EngineOptions = {},
): Promise<RunningEngine> {
  const { requestPathPartitions } = host;
  const { graph = definitions, edges = [], placement = separate, external = externallyWritten } = options;
  const { offPathLater = false } = options;
  validateGraph([...edges, ...graph], { ...options, requestPathPartitions });
  validatePlacement(place(graph, placement));
  await ensureServiceTopics(definitions, host);
  const limited = { ...host, maxRecordBytes: await recordLimits(host) };
  const isExternal = (topic: string): boolean => external === 'any' || external.includes(topic);
  const services: HeldService[] = [];
  const onPath: HeldService[] = [];
  for (const group of readersFirst(place(definitions, placement))) {
    const service = holdGroup(group, limited, { graph, isExternal }, options.declareAnew);
    services.push(service);
    if (group.stages.some(isOnRequestPath)) onPath.push(service);
  }
  const stop = async (): Promise<void> => {
    for (const service of [...services].reverse()) await service.stop();
  };
  const first = offPathLater ? onPath : services;
  try {
    await beginInTurn(first);
  } catch (error) {
    await stop();
    throw error;
  }
  void beginLater(services.filter((service) => !first.includes(service)));
  return {
    services,
    ready: () => services.every((service) => service.status().ready),
    awaited: () => {
      const waiting = onPath.filter((service) => !service.status().ready);
      return waiting.flatMap((service) => service.stageStatus()).map(({ group }) => group);
    },
    status: () => services.flatMap((service) => service.stageStatus()),
    stop,
  };
}

async function beginInTurn(services: readonly HeldService[]): Promise<void> {
  for (const service of services) {
    service.begin();
    await service.ready;
  }
}

/** A service that fails for good has told the host. */
async function beginLater(services: readonly HeldService[]): Promise<void> {
  for (const service of services) {
    service.begin();
    await service.ready.catch(() => {});
  }
}

/** Makes every topic the services touch, with the dead-letter topics of their inputs. */
export async function ensureServiceTopics(
  definitions: readonly ServiceDefinition[],
  host: Pick<Host, 'broker' | 'requestPathPartitions' | 'topicPrefix'>,
): Promise<void> {
  const { requestPathPartitions, topicPrefix, broker } = host;
  const settings = new Map<string, TopicSettings>();
  const add = (of: TopicSettings): void => {
    settings.set(of.name, { ...of, name: topicPrefix + of.name });
  };
  for (const definition of definitions) {
    for (const topic of topicsOf(definition)) add(settingsOf(topic, requestPathPartitions));
    for (const { topic } of topicInputs(definition)) {
      add(deadLetterSettings(topic, requestPathPartitions));
    }
  }
  await broker.ensureTopics([...settings.values()]);
}

/**
 * What the topics take that are there: an administrator may have made them for smaller records than we declare. Where the
 * broker does not tell, the declarations stand.
 */
async function recordLimits({ broker, log }: Host): Promise<ReadonlyMap<string, number>> {
  try {
    return new Map((await broker.listTopics()).map(({ name, maxRecordBytes }) => [name, maxRecordBytes]));
  } catch (error) {
    log.warn('the largest records of the topics are not known; taking them to be as declared', {
      error: error as Error,
    });
    return new Map();
  }
}

/** Readers of a topic before its writers, where the graph has no loop; otherwise in the order of declaration. */
export function readersFirst(groups: readonly StageGroup[]): StageGroup[] {
  const ordered: StageGroup[] = [];
  const seen = new Set<StageGroup>();
  const visit = (group: StageGroup): void => {
    if (seen.has(group)) return;
    seen.add(group);
    const outputs = new Set(group.stages.flatMap((stage) => stage.outputs.map((topic) => topic.name)));
    for (const reader of groups) {
      const inputs = reader.stages.flatMap(topicInputs);
      if (inputs.some((input) => outputs.has(input.topic.name))) visit(reader);
    }
    ordered.push(group);
  };
  for (const group of groups) visit(group);
  return ordered;
}
