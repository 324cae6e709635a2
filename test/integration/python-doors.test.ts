/** The Python client libraries of OpenAI and Anthropic, as they are, against a gateway with the demonstration upstream. */
import { join } from 'node:path';
import { pythonProgram } from '../../infra/python';
import { orderedConfig, startDoors } from '../services/gateway/doors/start-doors';
import { runToEnd } from '../started';

const python = pythonProgram();
const itWithPython = python || process.env['REQUIRE_SERVERS'] || process.env['CI'] ? it : it.skip;

itWithPython(
  'examples/python/ask_gateway.py gets answers, streams and errors, and every call is reported',
  async () => {
    if (!python) throw new Error('Python is missing: `make servers-installed` installs it');
    const doors = await startDoors(
      orderedConfig([{ name: 'demo-model', provider: 'demo' }], { demo: { kind: 'demo' } }),
    );
    const program = join(__dirname, '../../examples/python/ask_gateway.py');
    const { status, stdout, stderr } = await runToEnd(python, [program, doors.url], {
      env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1' },
    });
    expect([status, stderr]).toEqual([0, '']);
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { call: string; text: string; decisionId: string });
    expect(said.map(({ call }) => call)).toEqual([
      'chat',
      'chat stream',
      'responses',
      'responses again',
      'chat error',
      'messages',
      'messages stream',
      'count tokens',
    ]);
    for (const { call, text, decisionId } of said) {
      if (call === 'responses again') {
        expect(text).toMatch(/^Write a haiku about logs\. .*written by no language model/);
        continue;
      }
      if (call === 'chat error' || call === 'count tokens') {
        expect(text).toMatch(call === 'chat error' ? /auto\/cheap/ : /^[1-9]\d*$/);
        continue;
      }
      expect(text).toMatch(/written by no language model/);
      expect(await doors.outcomes(decisionId, 1)).toMatchObject([{ model: 'demo-model', status: 'SUCCESS' }]);
    }
    await doors.stop();
  },
);
