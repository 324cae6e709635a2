import type { Command } from 'commander';
import { isoText } from '../../lib/topics/calendar-time';
import { atAccessDesk } from '../drive/access-desk';
import { addWhereOptions, type WhereOptions } from '../drive/gateway-or-log';
import { formatTable } from '../format-table';
import type { Io } from '../io';
import { wholeNumber } from '../read-options';

const usualRecords = 50;

export function addAudit(program: Command, io: Io): void {
  addWhereOptions(
    program
      .command('audit')
      .description('Show who changed what: configuration, weights, keys; the newest first.')
      .option('--limit <number>', 'so many at most', wholeNumber(1, 1_000), usualRecords),
  )
    .addHelpText(
      'after',
      '\nWith --json a line has also what was there before and after.\n\nExamples:\n  $ quantum-router audit\n  $ quantum-router audit --limit 1 --json\n  $ quantum-router audit --kafka localhost:9092',
    )
    .action((options: WhereOptions & { readonly limit: number }) =>
      atAccessDesk(io, options, async (desk) => {
        const changes = await desk.audit(options.limit);
        if (options.json) {
          for (const change of changes) io.stdout.write(`${JSON.stringify(change)}\n`);
          return;
        }
        if (changes.length === 0) {
          io.stdout.write('nothing has been changed yet\n');
          return;
        }
        const rows = changes.map(({ atMs, who, action, target, note }) => [
          ...[isoText(atMs).slice(0, 19), who, action, target, note],
        ]);
        io.stdout.write(formatTable(['when', 'who', 'what', 'of', 'note'], rows, io.stdout.columns, ['note']));
      }),
    );
}
