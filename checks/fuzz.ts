/**
 * Hostile input from the schemas and from the OpenAPI document, thousands of cases from one seed. Behind each of them a
 * good request must be answered within a second, not counting what this process had to wait for a processor; after every
 * few of them the engine must decide and learn as before, and no service may have been restarted.
 *
 *     node dist/checks/fuzz.js --cases 20000 --seed 1 [--surface http|configuration|records] [--kafka host:port]
 *
 * The engine runs in a child process, since a case may end it or never let it go on; it is started anew behind that case.
 * A JSON line for every kind of fault and for the figures on stdout. Ends with 1 when there was a fault.
 */
import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import type { Finding } from './fuzz/findings';
import type { Message } from './fuzz/in-child';
import { reproduceOf, type SurfaceName, surfaceNames } from './fuzz/surface-names';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    surface: { type: 'string' },
    from: { type: 'string', default: '0' },
    kafka: { type: 'string' },
  },
});
const seed = Number(values.seed);
const kafka = values.kafka ?? null;

/** What is heard of the cases while they run. */
interface Listener {
  onFinding(finding: Finding): void;
  /** The good request behind the case `what` has been answered. */
  onGoodAnswer(what: string, ownMs: number): void;
}

/** No case and no look at the engine takes so long, not even on a machine that does much else. */
const silenceMs = 240_000;
/** What a hostile record makes the engine allocate must not take the machine along. */
const childOptions = ['--max-old-space-size=1024'];

/** Runs cases in child processes until all are through; resolves with how many were run. */
async function runInChildren(surface: SurfaceName, from: number, to: number, listener: Listener) {
  let next = from;
  while (next < to) {
    const lost = await runInChild(surface, next, to, listener);
    if (lost === null) return;
    listener.onFinding({ ...lost.fault, what: lost.what, reproduce: reproduceOf({ surface, seed }, [lost.at]) });
    next = Math.max(next, lost.at) + 1;
  }
}

function runInChild(surface: SurfaceName, from: number, to: number, listener: Listener) {
  const range = ['--surface', surface, '--seed', String(seed), '--from', String(from), '--cases', String(to - from)];
  const args = [...range, ...(kafka === null ? [] : ['--kafka', kafka])];
  return new Promise<{ at: number; what: string; fault: { kind: string; detail: string } } | null>((resolve) => {
    const child = fork(join(__dirname, 'fuzz', `in-child${extname(__filename)}`), args, {
      execArgv: [...process.execArgv, ...childOptions],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let at = from;
    let what = 'the start';
    let isDone = false;
    let isSilent = false;
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2_000);
    });
    const giveUp = (): void => {
      isSilent = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(giveUp, silenceMs);
    child.on('message', (message: Message) => {
      clearTimeout(watch);
      watch = setTimeout(giveUp, silenceMs);
      if ('at' in message) ({ at, what } = message);
      else if ('goodMs' in message) listener.onGoodAnswer(what, message.goodMs);
      else if ('finding' in message) listener.onFinding(message.finding);
      else isDone = true;
    });
    child.once('close', (code, signal) => {
      clearTimeout(watch);
      if (isDone) return resolve(null);
      const kind = isSilent ? 'the process never goes on' : `the process ends (${signal ?? code})`;
      resolve({ at, what, fault: { kind, detail: errors } });
    });
  });
}

/** Of the cases, when no surface is named. */
const shares: Readonly<Record<SurfaceName, number>> = { http: 0.4, configuration: 0.2, records: 0.4 };

async function check(): Promise<void> {
  const from = Number(values.from);
  const cases = Number(values.cases);
  const chosen = surfaceNames.filter((name) => values.surface === undefined || values.surface === name);
  if (chosen.length === 0)
    throw new Error(`there is no surface ${values.surface}; there are ${surfaceNames.join(', ')}`);
  for (const surface of chosen) {
    const count = chosen.length === 1 ? cases : Math.round(cases * shares[surface]);
    const kinds = new Map<string, { count: number; readonly first: Finding }>();
    const goodAnswersMs: number[] = [];
    let slowest = { ms: 0, what: '' };
    await runInChildren(surface, from, from + count, {
      onFinding(finding) {
        const known = kinds.get(finding.kind);
        if (known) {
          known.count += 1;
          return;
        }
        kinds.set(finding.kind, { count: 1, first: finding });
        process.stderr.write(
          `fuzz ${surface}: ${finding.kind}\n  ${finding.what}\n  ${finding.detail.slice(0, 300)}\n  ${finding.reproduce}\n`,
        );
      },
      onGoodAnswer(what, ms) {
        goodAnswersMs.push(ms);
        if (ms > slowest.ms) slowest = { ms, what };
      },
    });
    for (const [kind, { count: times, first }] of kinds) {
      report(`fuzz.${surface}.fault`, times, 'cases', { kind, what: first.what, reproduce: first.reproduce });
    }
    report(`fuzz.${surface}.cases`, count, 'cases', { seed });
    goodAnswersMs.sort((a, b) => a - b);
    report(`fuzz.${surface}.goodAnswers`, goodAnswersMs.length, 'answers');
    report(`fuzz.${surface}.goodAnswer.p99`, goodAnswersMs[Math.floor(goodAnswersMs.length * 0.99)] ?? 0, 'ms');
    report(`fuzz.${surface}.goodAnswer.max`, slowest.ms, 'ms', { behind: slowest.what });
    reportBar(`fuzz.${surface}.kindsOfFaults`, kinds.size, 'kinds', '<=', 0);
  }
}

runCheck(check);
