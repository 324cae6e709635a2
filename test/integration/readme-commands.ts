/** Takes the commands out of README.md and runs them as a reader would, in a checkout whose data is its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../infra/infra-file';
import { built } from '../built';

export interface Section {
  readonly title: string;
  /** In the order of the text, continued lines joined, comments taken off. */
  readonly commands: readonly string[];
}

/** Every line of every code block that is a command; diagrams are none. */
export function readmeSections(): Section[] {
  const sections: { title: string; commands: string[] }[] = [{ title: '', commands: [] }];
  const text = readFileSync(join(projectRoot, 'README.md'), 'utf8').replaceAll('\\\n', '');
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) sections.push({ title: line.replace(/^#+ /, ''), commands: [] });
    const command = /^ {4}((?:make|curl|\.\/bin\/quantum-router)\b.*)$/.exec(line)?.[1];
    if (command) sections.at(-1)!.commands.push(command.replace(/\s+#.*$/, '').replace(/ {2,}/g, ' '));
  }
  return sections.filter(({ commands }) => commands.length > 0);
}

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

/** A running command that stays up. */
export interface StaysUp {
  readonly output: string;
  /** Ctrl-C, or another signal; resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<Ran>;
}

/** The project as links, so that what the commands write stays out of the real checkout. */
export function createCheckout() {
  built('bin');
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-readme-'));
  const own = ['.git', '.cache', 'data', 'coverage'];
  for (const name of readdirSync(projectRoot)) {
    if (!own.includes(name)) symlinkSync(join(projectRoot, name), join(directory, name));
  }
  mkdirSync(join(directory, '.cache'));
  const running = new Set<ChildProcess>();

  const start = (command: string, onOutput: (output: string) => void) => {
    // A process group of its own, as in a terminal: Ctrl-C reaches make and what it started.
    const child = spawn('bash', ['-c', command], { cwd: directory, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        onOutput(output);
      });
    }
    const ended = new Promise<Ran>((resolve) => {
      child.once('close', (exitCode) => {
        running.delete(child);
        resolve({ exitCode, output });
      });
    });
    return { ended, send: (signal: NodeJS.Signals) => process.kill(-child.pid!, signal) };
  };

  return {
    directory,
    run: (command: string): Promise<Ran> => start(command, () => {}).ended,
    /** Resolves when the output matches; rejects, with the output, when the command ends before. */
    runUntil(command: string, isUp: RegExp): Promise<StaysUp> {
      return new Promise((resolve, reject) => {
        const { ended, send } = start(command, (output) => {
          if (!isUp.test(output)) return;
          resolve({
            output,
            stop(signal = 'SIGINT') {
              send(signal);
              return ended;
            },
          });
        });
        ended.then(({ exitCode, output }) => reject(new Error(`${command} ended with ${exitCode}:\n${output}`)));
      });
    },
    /** Also what a failed test left running. */
    async remove() {
      for (const child of running) if (child.pid) process.kill(-child.pid, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
