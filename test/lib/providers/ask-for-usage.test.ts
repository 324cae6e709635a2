import { askForUsage, refusesUsage } from '../../../lib/providers/ask-for-usage';
import { errorOfStatus } from '../../../lib/providers/upstream-error';

test.each([
  [
    '{"model":"a","seed":12345678901234567890}',
    '{"stream_options":{"include_usage":true},"model":"a","seed":12345678901234567890}',
  ],
  ['{"model":"a","stream_options":{"x":1}}', '{"model":"a","stream_options":{"x":1,"include_usage":true}}'],
  ['{"model":"a","stream_options":{"include_usage":false}}', '{"model":"a","stream_options":{"include_usage":true}}'],
  ['{"model":"a","stream_options":null}', '{"model":"a","stream_options":{"include_usage":true}}'],
  ['{"model":"a","stream_options":{"include_usage":true}}', null],
])('%s is sent as %s', (body, asking) => {
  expect(askForUsage(body)).toBe(asking);
});

test('only what names the question is a refusal of it', () => {
  const said = (status: number, text: string) => errorOfStatus(status, text, undefined, 'p');
  expect(refusesUsage(said(400, 'Unknown parameter: stream_options'))).toBe(true);
  expect(refusesUsage(said(422, '{"detail":[{"loc":["body","stream_options"]}]}'))).toBe(true);
  expect(refusesUsage(said(400, 'temperature'))).toBe(false);
  expect(refusesUsage(said(500, 'stream_options'))).toBe(false);
  expect(refusesUsage(new Error('stream_options'))).toBe(false);
});
