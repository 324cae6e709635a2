import { withWholeModelName } from '../../../../services/gateway/http/model-paths';

test.each([
  ['/v1/models/gpt', '/v1/models/gpt'],
  ['/v1/models/vendor/gpt', '/v1/models/vendor%2Fgpt'],
  ['/v1/models/vendor/gpt/4/', '/v1/models/vendor%2Fgpt%2F4/'],
  ['/v1/models/vendor/gpt?a=b/c', '/v1/models/vendor%2Fgpt?a=b/c'],
  ['/v1/models/vendor/gpt/#a/b?c', '/v1/models/vendor%2Fgpt/#a/b?c'],
  ['/v1/models/gpt?a=b/c', '/v1/models/gpt?a=b/c'],
  ['/v1/models/', '/v1/models/'],
  ['/v1/models///?a', '/v1/models///?a'],
  ['/v1/models?a=b/c', '/v1/models?a=b/c'],
  ['/v1/route/a/b', '/v1/route/a/b'],
])('%s is read as %s', (url, read) => expect(withWholeModelName(url)).toBe(read));

test('a path of slashes alone is read in one pass', () => {
  // Passes over the rest for every slash would be twenty thousand million steps, about a minute.
  for (const end of ['', '?', 'a/']) {
    const url = `/v1/models/${'/'.repeat(200_000)}${end}`;
    expect(decodeURIComponent(withWholeModelName(url)) === url).toBe(true);
  }
});
