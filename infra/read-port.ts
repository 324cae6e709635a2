/** A port from the environment; the default when the variable is not set. Throws, naming the variable. */
export function readPort(variable: string, otherwise: number): number {
  const text = process.env[variable];
  if (!text) return otherwise;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_534) {
    throw new Error(`${variable} must be a port from 1 to 65534, not ${text}`);
  }
  return port;
}
