/** What judges answers beside explicit feedback: configured models that grade, and what users say next. */
import { until } from '../../../../checks/chaos/until';
import type { JudgeConfig } from '../../../../lib/config/judgements-config';
import { defaultRubric } from '../../../../lib/config/judgements-config';
import { patienceMs } from '../../../patience';
import { completion, fails, json, says, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

const served = 'It is first-model who says that Oslo is the capital of Norway.';
const other = 'I would rather not say which city that might be.';
const models = ['first-model', 'second-model', 'grader'];

async function startJudged(judge: Partial<JudgeConfig> = {}) {
  const upstream = await startMisbehaving();
  upstream.behave('first-model', (response, { body }) =>
    response.writeHead(200, json).end(JSON.stringify(completion(body.model, served))),
  );
  upstream.behave('second-model', (response, { body }) =>
    response.writeHead(200, json).end(JSON.stringify(completion(body.model, other))),
  );
  // It knows a good answer when it sees one, wherever it stands.
  upstream.behave('grader', (response, { body }) => {
    const [, ...answers] = String(body.messages[1].content).split(/Answer \d:/);
    const scores = answers.map((answer) => (answer.includes('Oslo') ? 9 : 2));
    response.writeHead(200, json).end(JSON.stringify(completion(body.model, JSON.stringify({ scores }))));
  });
  const whole: JudgeConfig = {
    ...{ name: 'critic', model: 'grader', share: 1, pairShare: 0, maxUsdPerDay: 1, maxPerHour: 1_000 },
    rubric: defaultRubric,
    ...judge,
  };
  const doors = await startDoors(
    orderedConfig(
      models.map((name) => ({ name, provider: 'one' })),
      { one: { baseUrl: upstream.url } },
      { judgements: { nextTurn: true, judges: [whole] } },
    ),
  );
  const ask = async (messages: readonly object[] = [{ role: 'user', content: 'What is the capital of Norway?' }]) => {
    const response = await doors.post('/v1/chat/completions', { model: 'auto', messages });
    return (await response.json()) as { id: string };
  };
  const metric = async (line: string): Promise<void> =>
    until(doors.clock, line, async () => (await doors.metrics.text()).includes(line), patienceMs, 10);
  return { upstream, doors, ask, metric };
}

test('a judge grades an answer without knowing whose it is, and its grade is half believed at first', async () => {
  const { upstream, doors, ask } = await startJudged();
  const { id } = await ask();
  const outcomes = await doors.outcomes(id, 2);
  const judged = outcomes.find(({ source }) => source === 'judge:critic')!;
  expect(judged).toMatchObject({ model: 'first-model', attempt: 1, status: 'SUCCESS', provisional: true });
  expect(judged.rewardParts['judge:critic']).toBeGreaterThan(0.1);
  expect(judged.rewardParts['judge:critic']).toBeLessThanOrEqual(0.9);
  const [asked] = upstream.callsOf('grader');
  expect(JSON.stringify(asked!.body.messages)).toMatch(/Oslo/);
  expect(JSON.stringify(asked!.body.messages)).not.toMatch(/first-model/);
  await doors.stop();
});

test('pairs: the first fallback is asked as well, and each answer stands in either place', async () => {
  const { upstream, doors, ask, metric } = await startJudged({ pairShare: 1 });
  const calls = 12;
  for (let call = 0; call < calls; call++) await doors.outcomes((await ask()).id, 2);
  const places = upstream.callsOf('grader').map(({ body }) => {
    const text = String(body.messages[1].content);
    return text.indexOf('Oslo') < text.indexOf('rather not') ? 'first' : 'second';
  });
  expect(new Set(places)).toEqual(new Set(['first', 'second']));
  expect(upstream.callsOf('second-model')).toHaveLength(calls);
  await metric(`quantum_router_judged_pairs_total{judge="critic",better="served"} ${calls}`);
  await doors.stop();
});

test('a judge keeps to its budget, and one that fails or talks says nothing', async () => {
  const { upstream, doors, ask, metric } = await startJudged({ maxPerHour: 2 });
  upstream.behave('grader', fails(500), says(JSON.stringify(completion('grader', 'nine of ten'))));
  for (let call = 0; call < 3; call++) {
    const { id } = await ask();
    await doors.outcomes(id, 1);
    if (call < 2)
      await until(doors.clock, 'it is graded', () => upstream.callsOf('grader').length > call, patienceMs, 5);
  }
  await metric('quantum_router_judged_answers_total{judge="critic",result="over-budget"} 1');
  await metric('quantum_router_judged_answers_total{judge="critic",result="failed"} 1');
  await metric('quantum_router_judged_answers_total{judge="critic",result="unreadable"} 1');
  expect(upstream.callsOf('grader')).toHaveLength(2);
  await doors.stop();
});

test('explicit feedback says how far a judge is believed', async () => {
  const { doors, ask } = await startJudged();
  for (let call = 0; call < 3; call++) {
    const { id } = await ask();
    await doors.outcomes(id, 2);
    const answer = await doors.post('/v1/feedback', { decisionId: id, quality: 0, source: 'user' });
    expect(answer.status).toBe(202);
  }
  const trust = /quantum_router_judge_trust\{judge="critic"\} ([\d.]+)/.exec(await doors.metrics.text());
  // Three times it has said 0.9 where the user said 0.
  expect(Number(trust![1])).toBeLessThan(0.4);
  await doors.stop();
});

test('what a user says next is weak evidence of the answer before', async () => {
  const { doors, ask } = await startJudged({ share: 0 });
  const question = { role: 'user', content: 'What is the capital of Norway?' };
  const { id } = await ask([question]);
  await doors.outcomes(id, 1);
  await ask([question, { role: 'assistant', content: served }, { role: 'user', content: 'No, that is wrong.' }]);
  const outcomes = await doors.outcomes(id, 2);
  expect(outcomes.find(({ source }) => source === 'next-turn')).toMatchObject({
    ...{ model: 'first-model', status: 'SUCCESS', provisional: true, rewardParts: { nextTurn: 0.1 } },
  });
  await doors.stop();
});
