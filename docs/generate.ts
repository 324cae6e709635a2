/** Writes the generated part of docs/ARCHITECTURE.md: the topology, drawn from the declarations. `--check` fails when it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredServices } from '../bin/declared-services';
import { describeTopology } from '../lib/runtime/describe-topology';

const file = join(__dirname, 'ARCHITECTURE.md');
const begin = '<!-- topology:begin -->';
const end = '<!-- topology:end -->';

const text = readFileSync(file, 'utf8');
const [before, rest] = text.split(begin);
const after = rest?.split(end)[1];
if (before === undefined || after === undefined) throw new Error(`docs/ARCHITECTURE.md lacks ${begin} … ${end}`);
const wanted = `${before}${begin}\n\`\`\`mermaid\n${describeTopology(declaredServices()).trim()}\n\`\`\`\n${end}${after}`;
if (wanted !== text) {
  if (process.argv.includes('--check')) {
    process.stderr.write('stale, run `make generate`:\n  docs/ARCHITECTURE.md\n');
    process.exit(1);
  }
  writeFileSync(file, wanted);
  process.stderr.write('written:\n  docs/ARCHITECTURE.md\n');
}
