/** Runs cases of one surface in a process of their own, and tells the one that has forked it (checks/fuzz.ts) how they go. */
import { parseArgs } from 'node:util';
import { watchUnhandled } from './engine-under-fire';
import type { Finding } from './findings';
import { runCases } from './run-cases';
import type { SurfaceName } from './surface-names';

export type Message =
  | { readonly at: number; readonly what: string }
  | { readonly goodMs: number }
  | { readonly finding: Finding }
  | { readonly done: true };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      surface: { type: 'string' },
      seed: { type: 'string' },
      from: { type: 'string' },
      cases: { type: 'string' },
      kafka: { type: 'string' },
    },
  });
  const from = Number(values.from);
  watchUnhandled();
  // Nobody would listen any more.
  process.on('disconnect', () => process.exit(1));
  const tell = (message: Message): void => void process.send!(message);
  await runCases({
    ...{ surface: values.surface as SurfaceName, seed: Number(values.seed), from, to: from + Number(values.cases) },
    fronts: { kafka: values.kafka ?? null, topicPrefix: `fuzz-${process.pid}-` },
    onCase: (at, what) => tell({ at, what }),
    onFinding: (finding) => tell({ finding }),
    onGoodAnswer: (_, goodMs) => tell({ goodMs }),
  });
  process.send!({ done: true } satisfies Message, () => process.exit(0));
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
