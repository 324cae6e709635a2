import { type Command, InvalidArgumentError } from 'commander';
import { roles } from '../../lib/access/roles';
import { isoText } from '../../lib/topics/calendar-time';
import { atAccessDesk, type ShownNewKey } from '../drive/access-desk';
import { addWhereOptions, type WhereOptions } from '../drive/gateway-or-log';
import { formatTable } from '../format-table';
import { type Io, say } from '../io';
import { commaSeparated, readLength, wholeNumber } from '../read-options';

interface CreateOptions extends WhereOptions {
  readonly role: string;
  readonly tenant?: string;
  readonly models?: string[];
  readonly presets?: string[];
  readonly routes?: string[];
  readonly sources?: string[];
  readonly requestsPerMinute?: number;
  readonly burst?: number;
  readonly expires?: number;
}

export function addKeys(program: Command, io: Io): void {
  const keys = program
    .command('keys')
    .description('Make, list, replace and revoke the keys that callers of the gateway have.')
    .addHelpText(
      'after',
      `
By default a running gateway is asked, with the key in QUANTUM_ROUTER_KEY, and
where there is none, the store here that was written last. --data-dir works on
the store of a stopped engine, --kafka on a cluster.

The first key ends that everything is open on a gateway only this machine
reaches; it must be an administrator's.

Examples:
  $ quantum-router keys create ops --role admin
  $ quantum-router keys create shop --tenant shop --models gpt-4.1,claude --requests-per-minute 600
  $ quantum-router keys rotate 0a1b2c3d4e5f --grace 24h
  $ quantum-router keys revoke 0a1b2c3d4e5f
  $ quantum-router keys list --kafka localhost:9092`,
    );
  const add = (name: string, description: string) => addWhereOptions(keys.command(name).description(description));

  add('create', 'Make a key. It is shown this once and is nowhere else.')
    .argument('<name>', 'for people: whose it is, or what for')
    .addOption(program.createOption('--role <role>', 'what it may do').choices(roles).default('caller'))
    .option('--tenant <name>', 'tenant it is bound to; for callers and viewers')
    .option('--models <names>', 'models it may use, with commas between them (default: all)', commaSeparated)
    .option('--presets <names>', 'presets it may name, with auto for none (default: all)', commaSeparated)
    .option(
      '--routes <paths>',
      'paths it may ask, such as /v1/chat/completions (default: all of its role)',
      commaSeparated,
    )
    .option('--sources <names>', 'sources its feedback may name (default: its name)', commaSeparated)
    .option('--requests-per-minute <number>', 'how often it may ask (default: no limit)', wholeNumber(1, 1_000_000_000))
    .option('--burst <number>', 'how many at once (default: those of a minute)', wholeNumber(1, 1_000_000_000))
    .option('--expires <duration>', 'such as 90d or 12h (default: never)', duration)
    .action((name: string, options: CreateOptions) =>
      atAccessDesk(
        io,
        options,
        async (desk) => {
          const { tenant, models, presets, routes, sources, requestsPerMinute, burst, expires } = options;
          const made = await desk.create({
            ...{ name, role: options.role, tenantId: tenant ?? null, sources: sources ?? [] },
            ...{ models: models ?? null, presets: presets ?? null, routes: routes ?? null },
            ...{ requestsPerMinute: requestsPerMinute ?? null, burst: burst ?? null },
            expiresAtMs: expires === undefined ? null : io.clock.nowMs() + expires,
          });
          showNew(io, made, options);
        },
        true,
      ),
    );
  add('list', 'List the keys, those that are over too, without the keys themselves.').action((options: WhereOptions) =>
    atAccessDesk(io, options, async (desk) => {
      const known = await desk.list();
      if (options.json) {
        io.stdout.write(`${JSON.stringify(known)}\n`);
        return;
      }
      if (known.length === 0) {
        io.stdout.write('there are no keys\n');
        return;
      }
      const rows = known.map((key) => [
        ...[key.keyId, key.name, key.state, key.role, key.tenantId ?? '-', scopeOf(key)],
        ...[key.requestsPerMinute ?? '-', dateOf(key.createdAtMs), key.endsAtMs === null ? '-' : dateOf(key.endsAtMs)],
      ]);
      const header = ['key', 'name', 'state', 'role', 'tenant', 'for', 'per minute', 'created', 'ends'];
      io.stdout.write(formatTable(header, rows, io.stdout.columns, ['created']));
    }),
  );
  add('revoke', 'End a key at once and for good.')
    .argument('<key>', 'its 12 digits, as listed')
    .action((keyId: string, options: WhereOptions) =>
      atAccessDesk(io, options, async (desk) => {
        const key = await desk.revoke(keyId);
        io.stdout.write(options.json ? `${JSON.stringify(key)}\n` : `${key.keyId} (${key.name}) is revoked\n`);
      }),
    );
  add('rotate', 'Make a key that may do the same, and end this one.')
    .argument('<key>', 'its 12 digits, as listed')
    .option('--grace <duration>', 'how long this one is still taken, such as 24h', duration, 0)
    .action((keyId: string, options: WhereOptions & { readonly grace: number }) =>
      atAccessDesk(io, options, async (desk) => showNew(io, await desk.rotate(keyId, options.grace), options)),
    );
}

/** The key alone goes to stdout, so that it can be piped to where it is kept. */
function showNew(io: Io, made: ShownNewKey, { json }: WhereOptions): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(made)}\n`);
    return;
  }
  const { keyId, name, role, tenantId } = made.key;
  say(
    io.stderr,
    `${keyId} (${name}), ${role}${tenantId === null ? '' : ` of ${tenantId}`}; keep it now, it is shown this once:`,
  );
  io.stdout.write(`${made.secret}\n`);
}

function scopeOf(key: { models: string[] | null; presets: string[] | null; routes: string[] | null }): string {
  const parts = [
    ...(key.models ?? []),
    ...(key.presets ?? []).map((preset) => `auto/${preset}`),
    ...(key.routes ?? []),
  ];
  return parts.length === 0 ? 'all' : parts.join(', ');
}

function dateOf(timeMs: number): string {
  return isoText(timeMs).slice(0, 16);
}

/** Milliseconds of a text such as 90d, 12h or 30m; at most ten years. */
function duration(text: string): number {
  const durationMs = readLength(text, 6, 3_650);
  if (durationMs !== null) return durationMs;
  throw new InvalidArgumentError('It must look like 90d, 12h or 30m.');
}
