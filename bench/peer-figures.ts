/** Figures of two programs that print differently, under the same names. */
import type { Figures } from './pair-ratios';

const besideTheEngine = ['kafka', 'load', 'total'];

/** From what `bench/kafka.ts` printed: p95 in ms by rate, decisions/s at saturation, and those per core of the engine. */
export function engineFigures(printed: Figures): Figures {
  const figures = new Map<string, { value: number; unit: string }>();
  for (const [name, figure] of printed) if (/^rate\d+\.latencyP95$/.test(name)) figures.set(name, figure);
  const saturation = printed.get('saturation');
  if (saturation) figures.set('saturation', saturation);
  const prefix = 'saturation.cpuPer1000.';
  let seconds = 0;
  for (const [name, { value }] of printed)
    if (name.startsWith(prefix) && !besideTheEngine.includes(name.slice(prefix.length))) seconds += value;
  if (seconds > 0) figures.set('saturation.perCore', { value: 1_000 / seconds, unit: 'decisions/s' });
  return figures;
}

/**
 * From the peer's last line, `{"config": "alo", "rate300": {"p95": [min, median, max]}, "inflight256": {"dps": …, "cpu_peer": …}}`:
 * times in ms, CPU in percent of one core. Throws when there is no such line.
 */
export function peerFigures(output: string): Figures {
  const line = output
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Record<string, Record<string, unknown>>)
    .find((parsed) => (parsed['config'] as unknown) === 'alo');
  if (!line) throw new Error('the peer printed no line of its configuration "alo"');
  const figures = new Map<string, { value: number; unit: string }>();
  for (const [step, measured] of Object.entries(line)) {
    const median = (key: string): number | undefined => (measured[key] as readonly number[] | undefined)?.[1];
    const [p95, perSecond, percent] = [median('p95'), median('dps'), median('cpu_peer')];
    if (step.startsWith('rate') && p95 !== undefined) figures.set(`${step}.latencyP95`, { value: p95, unit: 'ms' });
    if (!step.startsWith('inflight') || perSecond === undefined) continue;
    figures.set('saturation', { value: perSecond, unit: 'decisions/s' });
    if (percent) figures.set('saturation.perCore', { value: perSecond / (percent / 100), unit: 'decisions/s' });
  }
  return figures;
}
