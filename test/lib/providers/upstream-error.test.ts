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
