/** Calls a gateway over HTTP for the commands. */
import { CliError } from './io';

/** Nobody listens there, or not in our language. */
export class GatewayUnreachableError extends CliError {}

export interface GatewayAnswer {
  readonly ok: boolean;
  readonly status: number;
  /** Parsed JSON; errors have the gateway's shape. */
  readonly body: unknown;
}

/** `text` is sent as it is, so that the gateway's own messages say what is wrong with it. */
export async function callGateway(url: string, method: string, path: string, text?: string): Promise<GatewayAnswer> {
  let response: Response;
  try {
    response = await fetch(url + path, {
      method,
      ...(text !== undefined && { body: text, headers: { 'content-type': 'application/json' } }),
    });
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    throw new GatewayUnreachableError(
      `cannot reach a gateway at ${url}: ${cause?.code ?? (error as Error).message}; is \`quantum-router serve\` running?`,
    );
  }
  const answer = await response.text();
  try {
    return { ok: response.ok, status: response.status, body: JSON.parse(answer) };
  } catch {
    throw new CliError(`${url} answered ${response.status} with something that is not JSON: is it a gateway?`);
  }
}

/** The message of an error answer, for people. */
export function errorMessageOf(answer: GatewayAnswer): string {
  const { error } = answer.body as { error?: { message?: unknown } };
  return typeof error?.message === 'string' ? error.message : `status ${answer.status}`;
}
