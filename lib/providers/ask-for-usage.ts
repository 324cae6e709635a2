/** Asks a provider to say at the end of a stream of chat how many tokens it took: without it nobody knows what the call has cost. */
import { isJson, type Json } from './any-json';
import { UpstreamError } from './upstream-error';

/** The body with the question; null where its writer has asked already. */
export function askForUsage(body: string): string | null {
  // All else stays as it was written.
  if (!body.includes('"stream_options"'))
    return `{"stream_options":{"include_usage":true},${body.slice(body.indexOf('{') + 1)}`;
  const given = JSON.parse(body) as Json;
  const options = isJson(given['stream_options']) ? given['stream_options'] : {};
  if (options['include_usage'] === true) return null;
  return JSON.stringify({ ...given, stream_options: { ...options, include_usage: true } });
}

/** Whether a provider has refused a call because of the question. */
export function refusesUsage(error: unknown): boolean {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) return false;
  return /stream_options|include_usage/.test(error.details.body ?? '');
}
