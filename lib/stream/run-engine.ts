/** Runs several services in one process: checks their graph, makes their topics, starts readers before writers and stops them the other way round. */
import type { TopicSettings } from '../ports/broker';
import { settingsOf } from '../topics/define-topic';
import { deadLetterSettings } from './dead-letters';
import type { ServiceDefinition } from './define-service';
import type { Host } from './host';
import { type Placement, place, type StageGroup, separate } from './placement';
import { type RunningService, runGroup, type ServiceStatus } from './run-service';
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
}

export interface RunningEngine {
  /** Groups of stages, in the order they were started. */
  readonly services: readonly RunningService[];
  /** True while every service is ready. */
  ready(): boolean;
  /** Of every stage. */
  status(): readonly ServiceStatus[];
  /** Stops writers before readers, each cleanly. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Resolves once every service is ready. Rejects with an InvalidGraphError before anything was touched, or, when a
 * service cannot start, with its reason after the others were stopped again. From then on a crash of one service
 * restarts only that service.
 */
export async function runServices(
  definitions: readonly ServiceDefinition[],
  host: Host,
  options: EngineOptions = {},
): Promise<RunningEngine> {
  const { requestPathPartitions } = host;
  const { graph = definitions, edges = [], placement = separate, external = externallyWritten } = options;
  validateGraph([...edges, ...graph], { ...options, requestPathPartitions });
  validatePlacement(place(graph, placement));
  await ensureServiceTopics(definitions, host);
  const limited = { ...host, maxRecordBytes: await recordLimits(host) };
  const services: RunningService[] = [];
  const stop = async (): Promise<void> => {
    for (const service of [...services].reverse()) await service.stop();
  };
  try {
    const isExternal = (topic: string): boolean => external === 'any' || external.includes(topic);
    for (const group of readersFirst(place(definitions, placement))) {
      const service = runGroup(group, limited, { graph, isExternal });
      services.push(service);
      await service.ready;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    services,
    ready: () => services.every((service) => service.status().ready),
    status: () => services.flatMap((service) => service.stageStatus()),
    stop,
  };
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
