import { errorOfStatus, retryAfterMsOf } from '../../../lib/providers/upstream-error';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

test.each([
  [{}, undefined],
  [{ 'retry-after': '3' }, 3_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': '-5' }, 0],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
  [{ 'retry-after': 'Thu, 01 Jan 2025 00:00:10 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': '9e99' }, 86_400_000],
  [{ 'retry-after-ms': '250', 'retry-after': '3' }, 250],
  [{ 'retry-after': ['3', '4'] }, 4_000],
  [{ 'retry-after': ['soon', '4'] }, 4_000],
])('Retry-After %j is %s ms', (headers, waitMs) => {
  expect(retryAfterMsOf(headers, nowMs)).toBe(waitMs);
});

test.each([
  [400, 'CANCELLED'],
  [422, 'CANCELLED'],
  [401, 'FAILURE'],
  [404, 'FAILURE'],
  [408, 'TIMEOUT'],
  [429, 'RATE_LIMITED'],
  [500, 'FAILURE'],
  [504, 'TIMEOUT'],
  [529, 'FAILURE'],
  [204, 'FAILURE'],
])('%d is %s', (httpStatus, status) => {
  const error = errorOfStatus(httpStatus, 'body', undefined, 'p');
  expect([error.status, error.details.isRequestFault ?? false]).toEqual([status, status === 'CANCELLED']);
});

test.each([
  [
    'Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text` at line 1',
    true,
  ],
  ['Invalid content type. image_url is only supported by certain models.', true],
  ['messages[1].content must be a string', true],
  ['/models/llama is not a multimodal model None', true],
  ['registry.ollama.ai/library/gemma:2b does not support tools', true],
  ['\\"auto\\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', true],
  ['this model does not support image input', true],
  ['messages[0].role: must be one of user, assistant', false],
  ['Invalid image_url: the file could not be fetched', false],
])('%s: is it this model that cannot? %s', (message, isOfThisModel) => {
  const { details } = errorOfStatus(400, JSON.stringify({ error: { message } }), undefined, 'p');
  expect(details.isOfThisModel ?? false).toBe(isOfThisModel);
});
