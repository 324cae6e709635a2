/** A JSON log line as a line for people: time, which process (null where there is one alone), level, message, fields. */

const colors = ['\u001b[36m', '\u001b[35m', '\u001b[34m', '\u001b[32m', '\u001b[33m', '\u001b[96m', '\u001b[95m'];
const levelColors: Record<string, string> = { error: '\u001b[31m', warn: '\u001b[33m', debug: '\u001b[2m' };
const reset = '\u001b[0m';
const nameWidth = 20;

/** What is not JSON (a stack of node itself) passes as it is, with the name in front. */
export function formatLogLine(instanceId: string | null, line: string, options: { color: boolean }): string {
  const paint = (color: string | undefined, text: string): string =>
    options.color && color ? `${color}${text}${reset}` : text;
  const hash = [...(instanceId ?? '')].reduce((sum, char) => sum + char.charCodeAt(0), 0);
  const name = instanceId === null ? '' : `${paint(colors[hash % colors.length], instanceId.padEnd(nameWidth))} `;
  const entry = parse(line);
  if (!entry) return `${name}${line}`;
  const { time, level, msg, process: _process, service: _service, error, ...fields } = entry;
  const clock = typeof time === 'string' ? `${time.slice(11, 23)} ` : '';
  const facts = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const reason = error ? `: ${(error as { message?: string }).message ?? JSON.stringify(error)}` : '';
  const shown = String(level);
  return `${clock}${name}${paint(levelColors[shown], shown.padEnd(5))} ${String(msg)}${reason}${paint('\u001b[2m', facts.join(''))}`;
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}
