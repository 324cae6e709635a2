/** Many streams at once, some of which are read slowly: every token arrives, once and in its place. */
import { until } from '../../../../checks/chaos/until';
import { patienceMs } from '../../../patience';
import { type Behaviour, chunk, sse, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

const streams = 120;
const tokens = 60;
/** One caller in so many reads the next piece only when everybody else is through. */
const slowEvery = 6;

test('of many open streams nothing is lost, doubled or out of its place, whoever reads slowly', async () => {
  const upstream = await startMisbehaving();
  let open = 0;
  let most = 0;
  let all = (): void => {};
  const everybodyIsThere = new Promise<void>((resolve) => {
    all = resolve;
  });
  const numbered: Behaviour = async (response, { body }) => {
    response.writeHead(200, sse).write(chunk(body.model, `${body.seed}:0 `));
    open += 1;
    most = Math.max(most, open);
    if (open === streams) all();
    await everybodyIsThere;
    for (let token = 1; token < tokens; token++) {
      response.write(chunk(body.model, `${body.seed}:${token} `));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end(`${chunk(body.model, '', 'stop')}data: [DONE]\n\n`);
    open -= 1;
  };
  upstream.behave('many', numbered);
  const doors = await startDoors(
    orderedConfig([{ name: 'many', provider: 'all' }], {
      all: { kind: 'openai', baseUrl: upstream.url, maxConcurrent: streams },
    }),
  );
  let quickLeft = streams - streams / slowEvery;
  let quickAreThrough = (): void => {};
  const quickEnd = new Promise<void>((resolve) => {
    quickAreThrough = resolve;
  });
  const readOne = async (_: unknown, seed: number): Promise<{ text: string; id: string }> => {
    const isSlow = seed % slowEvery === 0;
    const messages = [{ role: 'user', content: 'Count.' }];
    const response = await doors.post('/v1/chat/completions', { model: 'many', messages, stream: true, seed });
    const decoder = new TextDecoder();
    let text = '';
    const reader = response.body!.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      text += decoder.decode(next.value, { stream: true });
      if (isSlow) await quickEnd;
    }
    if (!isSlow && --quickLeft === 0) quickAreThrough();
    return { text, id: response.headers.get('x-quantum-decision-id')! };
  };
  const read = await Promise.all(Array.from({ length: streams }, readOne));
  expect(most).toBe(streams);
  for (const [seed, { text }] of read.entries()) {
    const said = [...text.matchAll(/"content":"(\d+:\d+) "/g)].map(([, one]) => one);
    expect(said).toEqual(Array.from({ length: tokens }, (_, token) => `${seed}:${token}`));
    expect(text.match(/\[DONE\]/g)).toHaveLength(1);
  }
  for (const { id } of read) expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', model: 'many' }]);
  const heldBytes = async (): Promise<string | undefined> =>
    /^quantum_router_http_body_bytes (\d+)/m.exec(await (await doors.get('/metrics')).text())?.[1];
  await until(doors.clock, 'nothing is held', async () => (await heldBytes()) === '0', patienceMs, 20);
  await doors.stop();
  await upstream.stop();
});
