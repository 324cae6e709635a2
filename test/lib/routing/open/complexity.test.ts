import fc from 'fast-check';
import { bytesOf, encodeText } from '../../../../lib/learning/features/encode';
import {
  complexityOf,
  complexityParts,
  complexityTerms,
  complexityTermsOf,
  inSession,
  leadingParts,
  type SizedRequest,
} from '../../../../lib/routing/open/complexity';
import type { Complexity, Holds, Message } from '../../../../lib/topics/generated/messages';
import { configOf, requestOf } from '../fixtures';

function sized(text: string, changes: Partial<SizedRequest> = {}): Complexity {
  return complexityOf({
    handFeatures: bytesOf(encodeText(text).handFeatures),
    promptTokens: Math.ceil(text.length / 4),
    messages: [],
    holds: null,
    requiredCapabilities: [],
    ...changes,
  })!;
}

const turn = (role: string, content: string): Message => ({ role, content });
const chat: Message[] = [turn('user', 'Please mend the tests.'), turn('assistant', 'I look at them.')];
const failing = (text: string, times: number): Message[] => [
  ...chat,
  ...Array.from({ length: times }, () => [turn('assistant', ''), turn('tool', text)]).flat(),
];

const greeting = 'Hello, how are you?';
const texts = {
  code: 'def fold(xs):\n    total = {}\n    for x in xs:\n        total[x["k"]] = total.get(x["k"], 0) + 1;\n    return total\n',
  mathematics: 'If $x^2 + y^2 = 25$ and $x * y = 12$, what is \\frac{x^3 + y^3}{x + y} - 2 * x * y + 3 = ?',
  languages: 'Переведи эту фразу на английский: please translate ce texte 今日は天気がいいですね',
  parts: 'Answer each; explain: a) why, b) how, c) when? And then: who, where, what for? Also: which one, and why?',
  structure: `Given (as above):\n${'  - one (of many) more lines\n'.repeat(20)}`,
};

test.each(Object.entries(texts))('%s makes a request more complex than a greeting, by that part', (part, text) => {
  const [plain, complex] = [sized(greeting), sized(text)];
  expect(complex[part as keyof typeof texts]).toBeGreaterThan(plain[part as keyof typeof texts] + 0.2);
  expect(complex.value).toBeGreaterThan(plain.value + 0.05);
});

test('a large context, tools, and a long conversation each count', () => {
  const holds: Holds = { images: 0, audio: 0, files: 0, toolCalls: 10, toolResults: 10, other: 0 };
  const plain = sized(greeting);
  for (const [part, complex] of [
    ['context', sized(greeting, { promptTokens: 100_000 })],
    ['tools', sized(greeting, { holds })],
    ['tools', sized(greeting, { requiredCapabilities: ['tools', 'vision'] })],
    ['history', sized(greeting, { messages: Array.from({ length: 20 }, (_, i) => turn('user', `${i}`)) })],
  ] as const) {
    expect(complex[part]).toBeGreaterThan(plain[part]);
    expect(complex.value).toBeGreaterThan(plain.value);
    expect(leadingParts(complex)[0]).toBe(part);
  }
});

test('in an agent’s session failures in a row count, the same one again more, and the newest success ends them', () => {
  const values = [1, 2, 4].map((times) => sized(greeting, { messages: failing('Error: no such table', times) }));
  expect(values.map(({ trajectory }) => trajectory)).toEqual([...values.map(({ trajectory }) => trajectory)].sort());
  expect(values[2]!.trajectory).toBeGreaterThan(values[0]!.trajectory + 0.4);
  const others = ['Error: no such table', 'TypeError: x is no function', 'exit code 2', 'make: command not found'];
  const differing = [...chat, ...others.map((text) => turn('tool', text))];
  expect(sized(greeting, { messages: differing }).trajectory).toBeLessThan(values[2]!.trajectory);
  const mended = [...failing('Error: no such table', 4), turn('tool', '12 passed, 0 failed')];
  expect(sized(greeting, { messages: mended }).trajectory).toBe(0);
});

test('housekeeping is a quarter as complex as its text says', () => {
  const title = 'Generate a short title for this conversation.';
  const ofBooks = sized(title, { messages: [turn('system', title), ...chat] });
  const ofWork = sized(title, { messages: [turn('system', 'You mend programs.'), ...chat] });
  expect(ofBooks).toMatchObject({ housekeeping: true, structure: ofWork.structure });
  expect(ofBooks.value).toBeCloseTo(ofWork.value / 4, 2);
});

test('the session adds its length, a poor last answer and a past that was cut', () => {
  const plain = sized(greeting);
  const session = { requests: 0, lastQuality: null, lastPromptTokens: 0 };
  expect(inSession(plain, undefined, 10)).toBe(plain);
  expect(inSession(plain, session, 10)).toEqual(plain);
  for (const changes of [{ requests: 30 }, { lastQuality: 0.1 }, { lastPromptTokens: 90_000 }]) {
    expect(inSession(plain, { ...session, ...changes }, 10)!.value).toBeGreaterThan(plain.value);
  }
  expect(inSession(plain, { ...session, lastPromptTokens: 15 }, 10)).toEqual(plain);
  expect(inSession(null, session, 10)).toBeNull();
});

test('nothing is known of a request without text, and no limit applies to it', () => {
  const config = configOf({ complexityLimits: [{ above: 0, models: ['large'] }] });
  const none = { handFeatures: Buffer.alloc(0), promptTokens: 1, messages: [], holds: null, requiredCapabilities: [] };
  expect(complexityOf(none)).toBeNull();
  expect(complexityTerms(config, null)).toBeNull();
  expect(complexityTermsOf(config, requestOf({ prompt: null, features: Buffer.alloc(8) }))).toBeNull();
  expect(complexityTermsOf(configOf(), requestOf())).toBeNull();
  expect(complexityTermsOf(config, requestOf({ prompt: greeting }))!.value).toBe(sized(greeting).value);
});

test('any request has every part within 0..1, in thousandths, twice the same; more of a part is never less complex', () => {
  const turns = fc.array(
    fc.record({
      role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
      content: fc.string({ unit: 'grapheme' }),
    }),
    { maxLength: 12 },
  );
  const count = fc.integer({ min: -3, max: 1_000_000 });
  const holds = fc.option(
    fc.record({ images: count, audio: count, files: count, toolCalls: count, toolResults: count, other: count }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      turns,
      holds,
      fc.nat(),
      (text, messages, held, tokens) => {
        const request = { messages, holds: held, promptTokens: tokens };
        const complexity = sized(text, request);
        for (const part of ['value', ...complexityParts] as const) {
          expect(complexity[part]).toBeGreaterThanOrEqual(0);
          expect(complexity[part]).toBeLessThanOrEqual(1);
          expect(Math.round(complexity[part] * 1000) / 1000).toBe(complexity[part]);
        }
        expect(sized(text, request)).toEqual(complexity);
        expect(sized(text, { ...request, promptTokens: tokens + 5_000 }).value).toBeGreaterThanOrEqual(
          complexity.value,
        );
      },
    ),
  );
});
