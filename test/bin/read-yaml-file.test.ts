// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that in a configuration.
/** Files that are a part of a configuration are read as a whole one is. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../started';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

/** Answers everything and keeps what it was sent last. */
async function gateway() {
  const sent: { body: unknown } = { body: null };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    sent.body = JSON.parse(body);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ experiments: [], shadows: [], version: 2 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => new Promise((resolve) => void server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}

test.each(['experiments', 'shadows'])('%s start: merge keys and the environment are filled in', async (command) => {
  const { url, sent } = await gateway();
  place.write('part.yaml', '\uFEFFconfig: &a { x: 1 }\nother: { <<: *a, y: 2 }\nname: "${NAME:-given}"\r\n');
  await place.run([command, 'start', 'part.yaml', '--url', url]);
  expect(Object.values(sent.body as object)).toContainEqual({
    config: { x: 1 },
    other: { x: 1, y: 2 },
    name: 'given',
  });
});

test.each(['experiments', 'shadows'])(
  '%s start: all faults at once, with their lines and nothing else',
  async (command) => {
    const refused = async (text: string) => {
      place.write('part.yaml', text);
      return (await place.run([command, 'start', 'part.yaml', '--url', 'http://127.0.0.1:1'])).stderr;
    };
    expect(await refused('name: a\nname: b\n')).toBe(
      'error: this cannot be read:\npart.yaml:2:1 not YAML: Map keys must be unique\n',
    );
    expect(await refused('name: ${NOPE_A}\narms: [ "${NOPE_B}" ]\n')).toBe(
      'error: this cannot be read:\n' +
        'part.yaml:1:7 name: the environment has no variable NOPE_A (${NOPE_A:-default} gives one for when it is missing)\n' +
        'part.yaml:2:9 arms.0: the environment has no variable NOPE_B (${NOPE_B:-default} gives one for when it is missing)\n',
    );
    expect(await refused('')).toBe('error: this cannot be read:\npart.yaml:1:1 is empty\n');
  },
);
