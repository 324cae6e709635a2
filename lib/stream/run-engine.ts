/** Runs several services in one process: checks their graph, makes their topics, starts readers before writers and stops them the other way round. */
import type { TopicSettings } from '../ports/broker';
import { settingsOf, type Topic } from '../topics/define-topic';
import { deadLetterSettings } from './dead-letters';
import type { ServiceDefinition } from './define-service';
import type { Host } from './host';
import { type RunningService, runService, type ServiceStatus } from './run-service';
import { type GraphOptions, topicInputs, topicsOf, validateGraph } from './validate-graph';

export interface EngineOptions extends Omit<GraphOptions, 'requestPathPartitions'> {
  /** All services of the engine where this process runs only some of them; the whole graph is checked. */
  readonly graph?: readonly ServiceDefinition[];
}

export interface RunningEngine {
  /** In the order they were started. */
  readonly services: readonly RunningService[];
  /** True while every service is ready. */
  ready(): boolean;
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
  validateGraph(options.graph ?? definitions, { ...options, requestPathPartitions });
  await ensureServiceTopics(definitions, host);
  const limited = { ...host, maxRecordBytes: await recordLimits(host) };
  const services: RunningService[] = [];
  const stop = async (): Promise<void> => {
    for (const service of [...services].reverse()) await service.stop();
  };
  try {
    for (const definition of readersFirst(definitions)) {
      const service = runService(definition, limited);
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
    status: () => services.map((service) => service.status()),
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
      add(deadLetterSettings(topic as unknown as Topic<never>, requestPathPartitions));
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
export function readersFirst(definitions: readonly ServiceDefinition[]): ServiceDefinition[] {
  const ordered: ServiceDefinition[] = [];
  const seen = new Set<ServiceDefinition>();
  const visit = (definition: ServiceDefinition): void => {
    if (seen.has(definition)) return;
    seen.add(definition);
    const outputs = new Set(definition.outputs.map((topic) => topic.name));
    for (const reader of definitions) {
      if (topicInputs(reader).some((input) => outputs.has(input.topic.name))) visit(reader);
    }
    ordered.push(definition);
  };
  for (const definition of definitions) visit(definition);
  return ordered;
}
