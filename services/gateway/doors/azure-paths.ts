/**
 * The paths of Azure OpenAI, so that its client libraries find the doors: the model stands in the path there (a deployment), and
 * the version of the API in the query.
 */
import type { IncomingMessage } from 'node:http';

const azurePath =
  /^\/openai\/(?:deployments\/([^/?#]{1,2400})\/|v1\/)?(chat\/completions|responses|embeddings|models)(?=[/?]|$)/;
const deployments = new WeakMap<IncomingMessage, string>();

/** The path of our own that a path of Azure's stands for; any other stays as it is. Never throws. */
export function withoutAzure(request: Pick<IncomingMessage, 'url'>): string {
  const { url = '/' } = request;
  const found = azurePath.exec(url);
  if (!found) return url;
  const [whole, deployment, path] = found;
  const model = deployment === undefined ? null : decoded(deployment);
  if (model !== null) deployments.set(request as IncomingMessage, model);
  return `/v1/${path}${url.slice(whole.length)}`;
}

/** The body with the model that the path names, where it names none itself. */
export function withDeployment(request: IncomingMessage, body: unknown): unknown {
  const model = deployments.get(request);
  const isOpen = typeof body === 'object' && body !== null && !Array.isArray(body) && !Object.hasOwn(body, 'model');
  return model !== undefined && isOpen ? { ...body, model } : body;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
