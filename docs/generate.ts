/** Writes the generated parts of the docs: the topology, drawn from the declarations, and the tables of metrics, variables and fields. `--check` fails when one is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredAccess } from '../bin/declared-access';
import { declaredServices } from '../bin/declared-services';
import { alarms } from '../infra/monitoring/alarms';
import { environmentVariables } from '../lib/config/process-settings';
import { describeTopology } from '../lib/stream/describe-topology';
import { type MetricDefinition, metricDefinitions } from '../lib/telemetry/metric-names';
import { schemaVersions } from '../lib/topics/generated/schemas';

const sections = [
  {
    file: 'ARCHITECTURE.md',
    name: 'topology',
    content: () => `\`\`\`mermaid\n${describeTopology(declaredServices()).trim()}\n\`\`\``,
  },
  { file: 'observability.md', name: 'metrics', content: metricsTable },
  { file: 'observability.md', name: 'alarms', content: alarmsTable },
  { file: 'operations.md', name: 'environment', content: environmentTable },
  { file: 'operations.md', name: 'access', content: accessTable },
  { file: 'clients.md', name: 'RouteRequested', content: () => fieldsTable('RouteRequested') },
  { file: 'clients.md', name: 'RouteOutcome', content: () => fieldsTable('RouteOutcome') },
];

function metricsTable(): string {
  const rows = Object.entries<MetricDefinition>(metricDefinitions).map(
    ([name, { type, labels, doc }]) =>
      `| \`${name}\` | ${type} | ${labels.join(', ')} | ${doc.replace(/\|/g, '\\|')} |`,
  );
  return ['', '| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function alarmsTable(): string {
  const rows = alarms.map(
    ({ name, says, expr, holdsFor, severity }) =>
      `| ${says} | \`${name}\` | ${severity} | \`${expr.replace(/\|/g, '\\|')}\`${holdsFor === null ? '' : ` for ${holdsFor}`} |`,
  );
  return ['', '| alarm | rule | for | PromQL |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function environmentTable(): string {
  const rows = environmentVariables.map(({ name, doc }) => `| \`${name}\` | ${doc} |`);
  return ['', '| variable | meaning |', '| --- | --- |', ...rows, ''].join('\n');
}

function accessTable(): string {
  const names = (all: readonly string[]): string => all.map((name) => `\`${name}\``).join(', ');
  const rows = declaredAccess().map(
    ({ name, read, readInWords, write, groups, transactionalIds }) =>
      `| ${name} | ${readInWords ?? names(read)} | ${names(write)} | ${names(groups)} | ${names(transactionalIds)} |`,
  );
  return [
    '',
    '| who | Read on topics | Write on topics | Read on groups | Write on transactional ids that begin with |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly default?: unknown;
}

/** Fields of a message as its schema says; those of a record inside it follow it, as `outer.inner`. */
function fieldsTable(message: string): string {
  const rows = (fields: readonly Field[], path: string): string[] =>
    fields.flatMap(({ name, type, doc, default: byDefault }) => {
      const given = byDefault === undefined ? '**none**' : `\`${JSON.stringify(byDefault)}\``;
      return [
        `| \`${path}${name}\` | ${typeName(type)} | ${given} | ${doc} |`,
        ...rows(innerFields(type), `${path}${name}.`),
      ];
    });
  const { fields } = schemaVersions[message]!.at(-1)!.schema as { fields: readonly Field[] };
  return ['', '| field | type | default | meaning |', '| --- | --- | --- | --- |', ...rows(fields, ''), ''].join('\n');
}

function innerFields(type: unknown): readonly Field[] {
  if (Array.isArray(type)) return type.flatMap(innerFields);
  const complex = type as { fields?: readonly Field[]; items?: unknown };
  return complex.fields ?? (complex.items === undefined ? [] : innerFields(complex.items));
}

function typeName(type: unknown): string {
  if (Array.isArray(type)) return type.map(typeName).join(' or ');
  if (typeof type === 'string') return type;
  const complex = type as {
    type: string;
    name?: string;
    items?: unknown;
    values?: unknown;
    symbols?: readonly string[];
  };
  if (complex.symbols) return complex.symbols.join(', ');
  if (complex.items) return `array of ${typeName(complex.items)}`;
  return complex.values ? `map of ${typeName(complex.values)}` : (complex.name ?? complex.type);
}

/** True when the file had to be changed, or (checking) would have to be. */
function generate({ file, name, content }: (typeof sections)[number], checking: boolean): boolean {
  const path = join(__dirname, file);
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const text = readFileSync(path, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/${file} lacks ${begin} … ${end}`);
  const wanted = `${before}${begin}\n${content()}\n${end}${after}`;
  if (wanted === text) return false;
  if (!checking) writeFileSync(path, wanted);
  return true;
}

const checking = process.argv.includes('--check');
const stale = sections.filter((section) => generate(section, checking)).map(({ file }) => `  docs/${file}\n`);
if (stale.length > 0) {
  process.stderr.write(`${checking ? 'stale, run `make generate`' : 'written'}:\n${stale.join('')}`);
  if (checking) process.exit(1);
}
