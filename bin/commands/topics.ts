import type { Command } from 'commander';
import { migrateTopics } from '../../lib/stream/migrate-topics';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { AnyTopic } from '../../lib/topics/define-topic';
import { ensureSinglePartitionTopic } from '../../lib/topics/ensure-topic';
import { topics } from '../../lib/topics/topics';
import { declaredServices } from '../declared-services';
import { formatTable } from '../format-table';
import { CliError, exitCodes, type Io } from '../io';
import { addHomeOptions, type HomeOptions, openDistributedHome, settingsOfHome } from '../open-home';
import { ownGroupsOf } from '../placement-options';
import { wholeNumber } from '../read-options';

const dayMs = 24 * 3_600_000;

export function addTopics(program: Command, io: Io): void {
  const command = program
    .command('topics')
    .description('List every topic: kind, partitions, retention, message type and purpose.')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  $ quantum-router topics\n  $ quantum-router topics --json | jq .[].name')
    .action((options: { json?: boolean }) => {
      const all: AnyTopic[] = Object.values(topics);
      if (options.json) {
        io.stdout.write(`${JSON.stringify(all.map(describe), null, 2)}\n`);
        return;
      }
      const rows = all.map((topic) => {
        const retention = topic.retentionMs === null ? 'for good' : `${topic.retentionMs / dayMs} d`;
        return [
          topic.name,
          topic.kind,
          topic.partitions === 'one' ? '1' : 'request path',
          retention,
          topic.codec.schemaName,
          topic.doc,
        ];
      });
      const header = ['topic', 'kind', 'partitions', 'keeps', 'message', 'what for'];
      io.stdout.write(formatTable(header, rows, io.stdout.columns, ['message']));
    });
  addCreate(command, io);
  addMigrate(command, io);
}

interface CreateOptions extends HomeOptions {
  readonly partitions?: number;
}

function addCreate(topicsCommand: Command, io: Io): void {
  const create = topicsCommand
    .command('create')
    .description(
      'Make every topic of the engine on Kafka, with partitions, retention, compaction and three copies (two must have a record), or one on each node where there are fewer than three. What exists stays as it is; fewer partitions, or another number in all topics, are refused.',
    )
    .option('--partitions <number>', 'partitions of the request path (default 4)', wholeNumber(1, 256));
  addHomeOptions(create)
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router topics create --kafka localhost:9092\n  $ quantum-router topics create --kafka localhost:9092 --topic-prefix team-a. --partitions 12\n  $ KAFKA_REPLICATION_FACTOR=1 quantum-router topics create --kafka localhost:9092',
    )
    .action(async (options: CreateOptions) => {
      const settings = settingsOfHome(io, options);
      if (!settings) throw new CliError('--kafka must say where to make them', exitCodes.usage);
      const log = createLog({ level: 'silent' });
      const parts = { log, metrics: createMetrics(), readOnly: true };
      const home = await openDistributedHome({ ...settings, redis: null }, parts);
      try {
        const before = new Set((await home.broker.listTopics()).map(({ name }) => name));
        const host = {
          broker: home.broker,
          topicPrefix: settings.topicPrefix,
          requestPathPartitions: settings.partitions,
        };
        await ensureServiceTopics(declaredServices(), host);
        await ensureSinglePartitionTopic(home.broker, topics.schemas, settings.topicPrefix);
        const after = (await home.broker.listTopics()).filter(({ name }) => name.startsWith(settings.topicPrefix));
        for (const { name, partitions } of after) {
          if (partitions === 1 || partitions <= settings.partitions) continue;
          io.stderr.write(
            `warning: ${name} has ${partitions} partitions, and the engine works on ${settings.partitions}: what is produced beyond them is forwarded (docs/operations.md, Partitions and scaling)\n`,
          );
        }
        const made = after.filter(({ name }) => !before.has(name)).sort((a, b) => a.name.localeCompare(b.name));
        const rows = made.map(({ name, partitions, cleanup, retentionMs }) => [
          name,
          String(partitions),
          cleanup,
          retentionMs === null ? 'for good' : `${retentionMs / dayMs} d`,
        ]);
        const header = ['made', 'partitions', 'cleanup', 'keeps'];
        if (rows.length > 0) io.stdout.write(formatTable(header, rows, io.stdout.columns));
        else io.stdout.write('every topic exists already\n');
      } catch (error) {
        throw new CliError((error as Error).message);
      } finally {
        await home.close();
      }
    });
}

interface MigrateOptions extends HomeOptions {
  readonly partitions?: number;
  readonly toPrefix: string;
  readonly toPartitions: number;
  readonly force?: boolean;
}

function addMigrate(topicsCommand: Command, io: Io): void {
  const migrate = topicsCommand
    .command('migrate')
    .description(
      'Copy the state of an engine to topics of another prefix with another number of partitions. Drain and stop the engine first (docs/operations.md, Partitions and scaling); what is under the old prefix stays as it is.',
    )
    .option('--partitions <number>', 'partitions of the request path as they are (default 4)', wholeNumber(1, 256))
    .requiredOption('--to-prefix <text>', 'in front of every new topic; nothing may be there')
    .requiredOption('--to-partitions <number>', 'partitions of the new request path', wholeNumber(1, 256))
    .option(
      '--force',
      'although services run, or have records to handle, as far as can be seen: for an engine that cannot be drained any more; those records stay behind',
    );
  addHomeOptions(migrate)
    .addHelpText(
      'after',
      '\nExample:\n  $ quantum-router topics migrate --kafka localhost:9092 --topic-prefix a. --partitions 4 --to-prefix b. --to-partitions 12',
    )
    .action(async (options: MigrateOptions) => {
      const settings = settingsOfHome(io, options);
      if (!settings) throw new CliError('--kafka must say where the topics are', exitCodes.usage);
      const log = createLog({ level: 'silent' });
      const parts = { log, metrics: createMetrics(), readOnly: true };
      const home = await openDistributedHome({ ...settings, redis: null }, parts);
      try {
        const migrated = await migrateTopics({
          broker: home.broker,
          services: declaredServices(ownGroupsOf(io, {})),
          from: { topicPrefix: settings.topicPrefix, partitions: settings.partitions },
          to: { topicPrefix: options.toPrefix, partitions: options.toPartitions },
          trim: (of, before) => home.trim(of, before),
          membersOf: (group, read) => home.membersOf(group, read),
          force: options.force ?? false,
        });
        const rows = migrated.map(({ topic, records }) => [topic, String(records)]);
        io.stdout.write(formatTable(['topic', 'records'], rows, io.stdout.columns));
        io.stdout.write(
          `start the engine with TOPIC_PREFIX=${options.toPrefix} PARTITIONS=${options.toPartitions}, and move the producers\n`,
        );
      } catch (error) {
        throw new CliError((error as Error).message);
      } finally {
        await home.close();
      }
    });
}

function describe(topic: AnyTopic) {
  const { name, kind, partitions, retentionMs, maxRecordBytes, codec, doc } = topic;
  return {
    name,
    kind,
    partitions,
    retentionMs,
    maxRecordBytes,
    schema: codec.schemaName,
    schemaId: codec.schemaId,
    doc,
  };
}
