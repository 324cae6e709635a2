/** What somebody at a terminal sees: the live view, which gives the terminal back however it ends, and a status line that stays one line. */
import { join } from 'node:path';
import { until } from '../../checks/chaos/until';
import { runs } from '../../infra/tools';
import { systemClock } from '../../lib/adapters/system';
import { widthOf } from '../../lib/terminal/fit-text';
import { createWorkplace } from '../bin/run-command';
import { patienceMs } from '../patience';
import { start } from '../started';
import { serveDemo } from './serve-demo';

const main = join(__dirname, '../../dist/bin/main.js');
const isRequired = process.env['REQUIRE_SERVERS'] || process.env['CI'];
// Said in the name, since a suite that is left out says nothing else.
const describeWithPython = runs('python3', '--version') || isRequired ? describe : describe.skip;

type Step = { until: string } | { send: string } | { resize: [number, number] } | { signal: number };

interface Shown {
  readonly output: string;
  readonly exitCode: number;
  /** Whether the terminal works as it did before. */
  readonly restored: boolean;
}

async function inTerminal(steps: readonly Step[], args: readonly string[], environment = {}): Promise<Shown> {
  const script = join(__dirname, 'in-terminal.py');
  const { TERM: _, NO_COLOR: __, ...own } = process.env;
  const { child, ended } = start(
    'python3',
    [script, String(patienceMs / 1_000), JSON.stringify(steps), process.execPath, main, ...args],
    { env: { ...own, TERM: 'xterm-256color', ...environment }, cwd: place.directory },
  );
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  const code = await ended;
  if (code !== 0) throw new Error(`${written.stdout}${written.stderr}`);
  return JSON.parse(written.stdout) as Shown;
}

const place = createWorkplace();

describeWithPython('in a terminal (needs Python)', () => {
  let url: string;
  beforeAll(async () => {
    url = await serveDemo(place);
    const body = JSON.stringify({ requestId: 'shown-live', prompt: 'hello' });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/v1/route`, { method: 'POST', headers, body })).status).toBe(200);
    // Gateways follow what analytics has counted, a moment later.
    const isCounted = async (): Promise<boolean> => {
      const answer = await fetch(`${url}/v1/analytics?metrics=decisions`);
      const { rows } = (await answer.json()) as { rows: { values: { decisions: number } }[] };
      return rows[0]?.values.decisions === 1;
    };
    await until(systemClock(), 'the decision is counted', isCounted, patienceMs, 50);
  });

  const entered = '\u001b[?1049h\u001b[?25l';
  const left = '\u001b[?25h\u001b[?1049l';

  test.each<[string, Step, number]>([
    ['q', { send: 'q' }, 0],
    ['Ctrl-C', { send: '\u0003' }, 0],
    ['SIGTERM', { signal: 15 }, 0],
    ['SIGHUP', { signal: 1 }, 0],
  ])(
    'top shows decisions as they are made; %s leaves, and the terminal is as it was',
    async (_name, leave, exitCode) => {
      const shown = await inTerminal([{ until: 'shown-live' }, leave], ['top', '--url', url]);
      expect(shown).toMatchObject({ exitCode, restored: true });
      expect(shown.output.split(entered)).toHaveLength(2);
      expect(shown.output.endsWith(left)).toBe(true);
    },
  );

  test('top fills a window that grows, and no line is wider than it was when it was drawn', async () => {
    const steps: Step[] = [
      { until: 'shown-live' },
      { resize: [120, 40] },
      { until: `${' '.repeat(60)}` },
      { send: 'q' },
    ];
    const { output } = await inTerminal(steps, ['top', '--url', url], { NO_COLOR: '1' });
    const frames = output.split('\u001b[H').slice(1);
    const widths = frames.map((frame) => Math.max(...linesOf(frame).map(widthOf)));
    expect(Math.max(...widths)).toBe(120);
    expect(widths[0]).toBe(80);
    // Moving about is no colour.
    expect(output).not.toContain('\u001b[2m');
    expect(output).not.toContain('\u001b[32m');
  });

  test('top without a terminal shows how things stand, once, in plain text', async () => {
    const ran = await place.run(['top', '--url', url], { columns: 80 });
    expect([ran.exitCode, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/demo-large +100 % {2}healthy/);
    for (const line of ran.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(ran.stdout).not.toContain('\u001b');
  });

  test('top says in one line that nobody is there', async () => {
    const ran = await place.run(['top', '--url', 'http://127.0.0.1:9']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/^error: cannot reach a gateway at .*\n$/);
  });

  test.each([
    [[], false],
    [['--log-format', 'json'], true],
  ])('serve says where it is and who can be called, and logs JSON only when asked to: %j', async (asked, isJson) => {
    const args = ['serve', '--demo', '--port', '0', '--data-dir', `served-${isJson}`, ...asked];
    const { output, exitCode } = await inTerminal([{ until: 'ready on http://' }, { signal: 15 }], args);
    expect([exitCode, output.includes('{"level"'), output.includes('providers: demo (2 models)')]).toEqual([
      0,
      isJson,
      !isJson,
    ]);
    if (!isJson) expect(linesOf(output).indexOf('providers: demo (2 models)')).toBeLessThan(4);
  });

  test('run keeps its status on one line of the terminal', async () => {
    const args = ['run', '--exit', '--requests', '150', '--rate', '100', '--port', '0', '--data-dir', 'run'];
    const { output, exitCode } = await inTerminal([], args);
    expect([exitCode, output]).toEqual([0, expect.stringContaining('150/150')]);
    const states = output.split('\r\u001b[2K').slice(1);
    expect(states.length).toBeGreaterThan(2);
    // What a busy machine adds stays above the line, and is the only other line that may come meanwhile.
    const note = /^slowed down: this machine is busy\r?\n/;
    for (const state of states.slice(0, -1)) expect(state.replace(note, '')).not.toContain('\n');
    for (const line of linesOf(output)) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });
});

/** What stands in each line, without the orders to the terminal. */
function linesOf(output: string): string[] {
  const orders = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');
  return output.replace(orders, '').split(/[\r\n]+/);
}
