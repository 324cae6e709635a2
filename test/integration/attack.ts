/** Runs checks/fuzz.ts as `make fuzz` does, in its short form. */
import { join } from 'node:path';
import { runToEnd } from '../started';

const script = join(__dirname, '../../dist/checks/fuzz.js');
/** Another one: SEED=7 npx jest --selectProjects integration -- fuzz; `make fuzz SEED=7 CASES=100000` goes further. */
export const seed = process.env['SEED'] ?? '1';

/** Of the 20,000 cases: those of a surface in parts of equal size, a test file each, so that none takes long. */
const suite = {
  http: { parts: 10, cases: 840 },
  configuration: { parts: 4, cases: 800 },
  records: { parts: 6, cases: 1_400 },
} as const;

/** Runs part 1, 2, ... of the cases of a surface as a test. */
export function testPart(surface: keyof typeof suite, part: number): void {
  const { parts, cases } = suite[surface];
  it(`decides and learns as before behind hostile ${surface}, part ${part} of ${parts} (seed ${seed})`, async () => {
    expect(await attack(surface, cases, ['--from', String((part - 1) * cases)])).toEqual(unharmed(cases));
  });
}

interface Line {
  readonly name: string;
  readonly value: number;
  readonly kind?: string;
  readonly what?: string;
  readonly reproduce?: string;
}

export interface Attacked {
  readonly faults: readonly Line[];
  readonly cases: number;
  /** Good requests that were answered, one behind each case. */
  readonly goodAnswers: number;
  readonly stderr: string;
}

/** Every kind of fault that hostile cases have shown, with a command for each that shows it again. */
export async function attack(surface: string, cases: number, options: readonly string[] = []): Promise<Attacked> {
  const args = ['--seed', seed, '--surface', surface, '--cases', String(cases), ...options];
  const { status, stdout, stderr } = await runToEnd(process.execPath, [script, ...args]);
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  const figure = (end: string): number => lines.find(({ name }) => name.endsWith(end))?.value ?? 0;
  return {
    faults: lines.filter(({ name }) => name.endsWith('.fault')),
    cases: figure('.cases'),
    goodAnswers: figure('.goodAnswers'),
    stderr: status === 0 ? '' : stderr,
  };
}

/** What `attack` resolves with when the engine decides and learns behind all of them as before. */
export const unharmed = (cases: number): Attacked => ({ faults: [], cases, goodAnswers: cases, stderr: '' });
