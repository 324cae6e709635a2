/**
 * A real Prometheus asks a real engine: every panel of every board has something to show of what has happened, and every rule can
 * be evaluated. Whether the files are valid at all is looked at in test/infra/monitoring.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from '../../checks/chaos/until';
import { infraFile } from '../../infra/infra-file';
import { boards } from '../../infra/monitoring/boards';
import { runs } from '../../infra/tools';
import { systemClock } from '../../lib/adapters/system';
import { createWorkplace } from '../bin/run-command';
import { patienceMs } from '../patience';
import { atEnd, start } from '../started';
import { serveDemo } from './serve-demo';

const isThere = runs('prometheus', '--version');
// Said in the name, since a suite that is left out says nothing else.
const describeWithPrometheus = isThere || process.env['CI'] ? describe : describe.skip;

/** Panels about what does not happen in this test: Kafka, Redis, failures, and features that are off from the start. */
const nothingToShow = [
  'Breakers',
  'Budgets charged',
  'Budgets refuse',
  'Dead letters',
  'Degradation',
  'Failures by provider',
  'Key-value store, p95',
  'Partitions move',
  'Records waiting (Kafka)',
  'Retries',
  'Routing cache',
];

describeWithPrometheus('Prometheus (Debian: prometheus)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-prometheus-'));
  const place = createWorkplace();
  let url: string;
  let prometheus: string;

  async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  const post = async (path: string, body: object): Promise<Response> => {
    const headers = { 'content-type': 'application/json' };
    return fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  };

  async function askPrometheus<T>(path: string): Promise<T> {
    const answer = (await (await fetch(`${prometheus}/api/v1/${path}`)).json()) as { status: string; data: T };
    expect(answer).toMatchObject({ status: 'success' });
    return answer.data;
  }

  beforeAll(async () => {
    url = await serveDemo(place);
    // Ends are called newest first: this one when nobody writes there any longer.
    atEnd(() => rmSync(directory, { recursive: true, force: true }));
    const port = await freePort();
    prometheus = `http://127.0.0.1:${port}`;
    const written = {
      // A busy machine answers late, and a question without an answer would make every gauge vanish.
      global: { scrape_interval: '5s', scrape_timeout: '5s', evaluation_interval: '5s' },
      rule_files: [infraFile('prometheus/alarms.yaml')],
      scrape_configs: [{ job_name: 'quantum-router', static_configs: [{ targets: [new URL(url).host] }] }],
    };
    writeFileSync(join(directory, 'prometheus.yaml'), stringify(written));
    const { child } = start(
      'prometheus',
      [
        '--config.file=prometheus.yaml',
        '--storage.tsdb.path=data',
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      { cwd: directory },
    );
    child.stdout!.resume();
    child.stderr!.resume();
  });

  /** Decisions that are judged, and calls that are made here, answered at once and bit by bit. */
  async function traffic(round: number): Promise<void> {
    for (let index = 0; index < 10; index++) {
      const requestId = `asked-${round}-${index}`;
      expect((await post('/v1/route', { requestId, prompt: `hello ${requestId}` })).status).toBe(200);
      const report = { decisionId: requestId, quality: 0.75, costUsd: 0.001, latencyMs: 400 };
      expect((await post('/v1/feedback', report)).status).toBe(202);
    }
    const call = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };
    for (const stream of [false, true]) await (await post('/v1/chat/completions', { ...call, stream })).text();
  }

  test('shows something in every panel of every board, and evaluates every rule', async () => {
    const panels = boards.flatMap((board) => board.panels);
    const titles = panels.map(({ title }) => title);
    // A panel that is gone is not excused any longer.
    for (const title of nothingToShow) expect(titles).toContain(title);
    let round = 0;
    let empty: string[] = [];
    const hasAll = async (): Promise<boolean> => {
      await traffic(round++);
      empty = [];
      for (const { title, queries } of panels)
        for (const { expr } of queries) {
          const { result } = await askPrometheus<{ result: unknown[] }>(`query?query=${encodeURIComponent(expr)}`);
          if (result.length === 0 && !nothingToShow.includes(title)) empty.push(`${title}: ${expr}`);
        }
      return empty.length === 0;
    };
    const isUp = (): Promise<boolean> =>
      fetch(`${prometheus}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(systemClock(), 'Prometheus is ready', isUp, patienceMs, 100);
    await until(systemClock(), 'every panel has something to show', hasAll, patienceMs, 1_000).catch(() => {});
    expect(empty).toEqual([]);
    const { groups } = await askPrometheus<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    const inFile = readFileSync(infraFile('prometheus/alarms.yaml'), 'utf8').match(/alert: /g);
    expect(rules).toHaveLength(inFile!.length);
    expect(rules.filter(({ health }) => health === 'err')).toEqual([]);
  });
});
