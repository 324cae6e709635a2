/** Names of models may have slashes, as OpenRouter's do, and whoever asks for one by hand writes them as they are. */
const modelPath = /^(\/v1\/models\/)([^?#]+\/[^?#]*[^/?#])(?=[/?#]|$)/;

/** The path with the whole name as one part of it; any other stays as it is. */
export function withWholeModelName(url: string): string {
  return url.replace(modelPath, (_, path: string, name: string) => path + name.replaceAll('/', '%2F'));
}
