/** Asks the gateway that served this page, wherever it is mounted, with the key that somebody signed in with. */
const keyName = 'quantum-router-key';

let onRefused: () => void = () => {};

export function whenRefused(listener: () => void): void {
  onRefused = listener;
}

/** The key stays in this tab and goes with it. */
export function signIn(key: string): void {
  sessionStorage.setItem(keyName, key);
}

export function signOut(): void {
  sessionStorage.removeItem(keyName);
}

export function isSignedIn(): boolean {
  return sessionStorage.getItem(keyName) !== null;
}

export function headersWithKey(): Record<string, string> {
  const key = sessionStorage.getItem(keyName);
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** The address of an API path, relative to this page: a proxy may have put it below another path. */
export function addressOf(path: string): string {
  return new URL(path, new URL('.', document.baseURI)).href;
}

export interface Fault {
  readonly field: string;
  readonly message: string;
}

/** The status of what never came. */
export const noAnswer = 0;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details: readonly Fault[],
  ) {
    super(message);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the API answers is described in its OpenAPI document, and read with care
export type Json = any;

export async function ask(
  path: string,
  options: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<Json> {
  const { method = 'GET', body, signal } = options;
  const init: RequestInit = {
    method,
    headers: { ...headersWithKey(), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  };
  let response: Response;
  let text: string;
  try {
    response = await fetch(addressOf(path), init);
    text = await response.text();
  } catch (failed) {
    if (signal?.aborted) throw failed;
    // Each browser has words of its own for it, and none says who is meant.
    throw new ApiError(noAnswer, 'the gateway does not answer', []);
  }
  if (response.status === 401) onRefused();
  let answer: Json;
  try {
    answer = text === '' ? null : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, `the gateway answered ${response.status} with something that is no JSON`, []);
  }
  // /ready says in its own shape why it is not.
  if (response.ok || answer?.ready === false) return answer;
  const { message = `the gateway answered ${response.status}`, details = [] } = answer?.error ?? {};
  throw new ApiError(response.status, message, details);
}
