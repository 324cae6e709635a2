/** Calls a gateway over HTTP for the commands. */
import { CliError, exitCodes, type Io } from './io';

/** Nobody listens there, or not in our language. */
export class GatewayUnreachableError extends CliError {}

export interface GatewayAnswer {
  readonly ok: boolean;
  readonly status: number;
  /** Parsed JSON; errors have the gateway's shape. */
  readonly body: unknown;
}

export interface GatewayAddress {
  readonly url: string;
  /** Sent as a bearer; null: none. */
  readonly key: string | null;
}

/** The key of the commands is in the environment: on a command line everybody on the machine could read it. */
export function gatewayAt(io: Io, url: string): GatewayAddress {
  return { url, key: io.environment['QUANTUM_ROUTER_KEY'] || null };
}

/** `text` is sent as it is, so that the gateway's own messages say what is wrong with it. */
export async function callGateway(
  { url, key }: GatewayAddress,
  method: string,
  path: string,
  text?: string,
  signal?: AbortSignal,
): Promise<GatewayAnswer> {
  let response: Response;
  try {
    response = await fetch(url + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(text !== undefined && { 'content-type': 'application/json' }),
      },
      ...(text !== undefined && { body: text }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw new CliError('stopped before the gateway has answered', exitCodes.stopped);
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

/** What a gateway answers; throws a CliError with its message where that is an error. `body` is sent as JSON. */
export async function askGateway<T>(gateway: GatewayAddress, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await callGateway(gateway, method, path, body === undefined ? undefined : JSON.stringify(body));
  if (!answer.ok) throw new CliError(errorMessageOf(answer));
  return answer.body as T;
}

/** The message of an error answer, for people. */
export function errorMessageOf(answer: GatewayAnswer): string {
  const { error } = answer.body as { error?: { message?: unknown } };
  const message = typeof error?.message === 'string' ? error.message : `status ${answer.status}`;
  return answer.status === 401 ? `${message} (commands take theirs from QUANTUM_ROUTER_KEY)` : message;
}
