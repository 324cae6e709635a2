/** Writes the prompts of the simulated world: a template of the task, filled at random, with demands that grow with difficulty. */
import type { Random } from '../../lib/ports/random';
import { pick } from './draw';
import { closings, demands, openings, type SimulatedTask, slots, templates } from './prompt-vocabulary';

/** `difficulty` is 0 (easy) .. 1 (hard); it shows in the text, but not exactly. */
export function writePrompt(task: SimulatedTask, difficulty: number, random: Random): string {
  const parts = openingOf(random);
  parts.push(pick(templates[task], random));
  return finished(parts, difficulty, random);
}

/** A prompt of one template with the trimmings of any other. */
export function fillTemplate(template: string, difficulty: number, random: Random): string {
  return finished([...openingOf(random), template], difficulty, random);
}

function openingOf(random: Random): string[] {
  return random.next() < 0.35 ? [pick(openings, random)] : [];
}

/** With demands that grow with difficulty, and every slot filled. */
function finished(parts: string[], difficulty: number, random: Random): string {
  const demandCount = Math.max(0, Math.round(difficulty * 5 - 1 + 0.5 * random.normal()));
  for (let i = 0; i < demandCount; i++) parts.push(pick(demands, random));
  if (demandCount === 0 && random.next() < 0.7) parts.push(pick(closings, random));
  return fill(parts.join(random.next() < 0.5 ? '\n' : ' '), random);
}

/** Replaces `{slot}` until none is left; braces that name no slot stay. */
function fill(template: string, random: Random): string {
  return template.replace(/\{([a-z]+)\}/g, (whole, name: string) => {
    const words = slots[name];
    return words === undefined ? whole : fill(pick(words, random), random);
  });
}

/** Roughly what a tokenizer would count: 4 Latin letters, 2 Cyrillic or 1 CJK character a token. */
export function estimateTokens(text: string): number {
  let quarters = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    quarters += code >= 0x2e80 ? 4 : code >= 0x400 && code < 0x530 ? 2 : 1;
  }
  return Math.max(1, Math.ceil(quarters / 4));
}
