import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type decisionOf, startGateway } from '../services/gateway/start-gateway';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

describe('with a running gateway', () => {
  let gateway: Awaited<ReturnType<typeof startGateway>>;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.stop());

  test('route decides a file, in order, and says so on stderr', async () => {
    place.write(
      'requests.jsonl',
      Array.from({ length: 300 }, (_, i) => JSON.stringify({ requestId: `r${i}`, prompt: `prompt ${i}` })).join('\n'),
    );
    const { exitCode, stdout, stderr } = await place.run(
      ['route', 'requests.jsonl', '--url', gateway.gateway.url, '--concurrency', '7'],
      { isTerminal: true },
    );
    expect(exitCode).toBe(0);
    const ids = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as ReturnType<typeof decisionOf>).requestId);
    expect(ids).toEqual(Array.from({ length: 300 }, (_, i) => `r${i}`));
    expect(stderr).toMatch(/\rrouted 100 of \d+ sent/);
    expect(stderr).toMatch(/routed 300 of 300 requests in [\d.]+ s\n$/);
  });

  test('a refused line becomes an error line in its place, and the exit code 1', async () => {
    const text = '{"prompt": "ä"}\n\n{"promt": "b"}\r\nnot json\n{"prompt": "c"}';
    // Cut in the middle of a character.
    const bytes = Buffer.from(text);
    const { exitCode, stdout, stderr } = await place.run(['route', '-', '--url', `${gateway.gateway.url}/`], {
      stdin: [bytes.subarray(0, 13), bytes.subarray(13)],
    });
    expect(exitCode).toBe(1);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.error?.code ?? line.model)).toEqual([
      'large',
      'invalid_field',
      'malformed_json',
      'large',
    ]);
    expect(lines[1]).toMatchObject({ line: 3, error: { field: 'promt' } });
    expect(stderr).toMatch(/routed 2 of 4 requests in .*\nerror: 2 lines were refused\n$/);
    expect(gateway.requests().some((request) => request.prompt === 'ä')).toBe(true);
  });

  test('a file without requests is said to be one', async () => {
    place.write('blank.jsonl', '\n  \n');
    const { exitCode, stdout, stderr } = await place.run(['route', 'blank.jsonl', '--url', gateway.gateway.url]);
    expect([exitCode, stdout, stderr]).toEqual([0, '', 'there are no requests in blank.jsonl\n']);
  });

  test('stopping ends it, which is no error, after what is under way', async () => {
    const stop = new AbortController();
    stop.abort();
    const { exitCode, stderr } = await place.run(['route', '-', '--url', gateway.gateway.url], {
      stdin: ['{"prompt": "a"}\n'],
      stop,
    });
    expect([exitCode, stderr.split('\n')[1]]).toEqual([130, 'stopped before the end of the input']);
  });

  test('explain says why, for people or as JSON', async () => {
    await gateway.call('POST', '/v1/route', { requestId: 'why', prompt: 'a' });
    const { exitCode, stdout } = await place.run(['explain', 'why', '--url', gateway.gateway.url]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^request why: large \(north\), drawn with probability 0.900, confidence 0.700\nwhy {8}because\nfallbacks {2}small \(south\)\n/,
    );
    expect(stdout).toMatch(/> large +north +0.900 +0.800 +0.800 +\$0.0100 +2000 ms/);
    const json = await place.run(['explain', 'why', '--url', gateway.gateway.url, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ requestId: 'why', model: 'large' });
    const missing = await place.run(['explain', 'nobody', '--url', gateway.gateway.url]);
    expect([missing.exitCode, missing.stderr]).toEqual([
      1,
      'error: no decision with id "nobody" in memory or among the newest records of the log\n',
    ]);
  });
});

test('no gateway, or something else in its place, is said in one line', async () => {
  const other: Server = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect((await place.run(['explain', 'x', '--url', url])).stderr).toBe(
    `error: ${url} answered 200 with something that is not JSON: is it a gateway?\n`,
  );
  await new Promise((resolve) => other.close(resolve));
  const none = await place.run(['explain', 'x', '--url', url]);
  expect([none.exitCode, none.stderr]).toEqual([
    1,
    `error: cannot reach a gateway at ${url}: ECONNREFUSED; is \`quantum-router serve\` running?\n`,
  ]);
});

test('an engine of the command itself is not told of as a gateway that others reach', async () => {
  const run = () => place.run(['route', '-', '--data-dir', 'own'], { stdin: ['{"prompt": "a"}\n'] });
  expect((await run()).exitCode).toBe(0);
  // A second time: then somebody has decided, and no feedback has come.
  expect((await run()).stderr).toMatch(/^no quantum-router.yaml here: .*\nrouted 1 of 1 requests in [\d.]+ s\n$/);
});

test.each([
  ['a file that is not there', 'nowhere.jsonl', 'there is no such file or directory'],
  ['a directory', '.', 'it is a directory'],
])('%s is said before anything starts', async (_name, file, reason) => {
  const { exitCode, stderr } = await place.run(['route', file]);
  expect([exitCode, stderr]).toEqual([1, `error: cannot read ${file}: ${reason}\n`]);
});
