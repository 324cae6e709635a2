const ofModels = '/v1/models/';

/**
 * The path with the whole name as one part of it; any other stays as it is. Names of models may have slashes, as OpenRouter's do, and
 * whoever asks for one by hand writes them as they are. Read in one pass: anybody may send anything, before it is known who asks.
 */
export function withWholeModelName(url: string): string {
  if (!url.startsWith(ofModels)) return url;
  const query = url.search(/[?#]/);
  let end = query < 0 ? url.length : query;
  while (url[end - 1] === '/') end--;
  const name = url.slice(ofModels.length, end);
  return name.includes('/') ? `${ofModels}${name.replaceAll('/', '%2F')}${url.slice(end)}` : url;
}
