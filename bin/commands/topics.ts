import type { Command } from 'commander';
import { anyTopic } from '../../lib/runtime/define-service';
import { type AnyTopic, topics } from '../../lib/topics/topics';
import { formatTable } from '../format-table';
import type { Io } from '../io';

const dayMs = 24 * 3_600_000;

export function addTopics(program: Command, io: Io): void {
  program
    .command('topics')
    .description('List every topic: kind, partitions, retention, message type and purpose.')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  $ quantum-router topics\n  $ quantum-router topics --json | jq .[].name')
    .action((options: { json?: boolean }) => {
      const all: AnyTopic[] = Object.values(topics).map((topic) => anyTopic(topic as never));
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
      io.stdout.write(formatTable(['topic', 'kind', 'partitions', 'keeps', 'message', 'what for'], rows));
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
