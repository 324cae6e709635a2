/**
 * How complex a request is, as one number of 0..1 and the parts that it is made of. Pure and the same everywhere: it follows
 * from the shape of the text (the hand-made features that are pinned anyway), from its size, from what the conversation holds,
 * and from how the session has gone. `docs/complexity.md` says what each part sees, and how well the whole agrees with
 * what recorded models found difficult.
 *
 * Each part alone can bring the value up to its weight, and parts add up like independent probabilities:
 *
 *     value = 1 - (1 - weight * part) * (1 - weight * part) * ...
 */
import type { RouterConfig } from '../../config/router-config';
import { bytesOf, encodeText, float32Of } from '../../learning/features/encode';
import type { Complexity, RouteRequested, Session } from '../../topics/generated/messages';
import { estimateTokens, requestText, textBytes } from './request-text';
import { type Trajectory, trajectoryOf } from './trajectory';

export const complexityParts = [
  'structure',
  'code',
  'mathematics',
  'languages',
  'parts',
  'context',
  'tools',
  'history',
  'trajectory',
] as const;
export type ComplexityPart = (typeof complexityParts)[number];
type Parts = Record<ComplexityPart, number>;

/**
 * Set by hand. Those of the text are about what a regression without negative weights gives on ulab9, whose rows were the only
 * ones looked at for it; the others have no recorded data to be set by.
 */
const weights: Readonly<Parts> = {
  structure: 0.7,
  code: 0.4,
  mathematics: 0.7,
  languages: 0.3,
  parts: 0.4,
  context: 0.4,
  tools: 0.3,
  history: 0.3,
  trajectory: 0.7,
};

/** What is left of the value of a request that only keeps the books of a conversation. */
const housekeepingShare = 0.25;
/** Tokens at which a context begins to tell, and those at which it is as large as it gets. */
const smallContext = 500;
const largeContext = 128_000;
const manyCalls = 32;
const manyTurns = 64;
/** Enough marks of one kind to have said all that they can say. */
const manyMarks = 16;
const manyLines = 40;
const longSentenceWords = 60;
/** A thousandth: finer differences mean nothing, and a shorter number is easier to read. */
const step = 1e3;

export interface SizedRequest extends Pick<RouteRequested, 'messages' | 'holds' | 'requiredCapabilities'> {
  /** Hand-made features of its text, float32; empty where it has none. */
  readonly handFeatures: Buffer;
  readonly promptTokens: number;
}

/** What can be said before the session is known; null for a request without text. */
export function complexityOf(request: SizedRequest): Complexity | null {
  const { handFeatures, promptTokens, messages, holds, requiredCapabilities } = request;
  if (handFeatures.length === 0) return null;
  const trajectory = trajectoryOf(messages);
  // Field by field: spreading costs more than all else that is done here.
  const text = textParts(float32Of(handFeatures));
  const held = holds === null ? 0 : Object.values(holds).reduce((sum, count) => sum + Math.max(0, count), 0);
  return combined(
    {
      structure: text.structure,
      code: text.code,
      mathematics: text.mathematics,
      languages: text.languages,
      parts: text.parts,
      context: share(Math.log1p(Math.max(0, promptTokens) / smallContext), Math.log1p(largeContext / smallContext)),
      tools: logShare(held + requiredCapabilities.length, manyCalls),
      history: logShare(Math.max(0, messages.length - 1), manyTurns),
      trajectory: troubleOf(trajectory),
    },
    trajectory.housekeeping,
  );
}

/** The same with what the session adds: how long it is, how good its last answer was, and whether its past was cut. */
export function inSession(
  complexity: Complexity | null,
  session: Pick<Session, 'requests' | 'lastQuality' | 'lastPromptTokens'> | undefined,
  promptTokens: number,
): Complexity | null {
  if (complexity === null || session === undefined) return complexity;
  const { housekeeping, value: _without, ...parts } = complexity;
  const isCompacted = session.lastPromptTokens >= leastCompacted && promptTokens * 2 < session.lastPromptTokens;
  const troubles = [poorWeight * (1 - (session.lastQuality ?? 1)), isCompacted ? compactedWeight : 0];
  return combined(
    {
      ...parts,
      history: Math.max(parts.history, logShare(session.requests, manyTurns)),
      // A short question about a long past is housekeeping rather than a past that was cut.
      trajectory: housekeeping ? parts.trajectory : together([parts.trajectory, ...troubles]),
    },
    housekeeping,
  );
}

/** A configuration's rules and what they are held against; null where no rule can apply. */
export interface ComplexityTerms {
  readonly value: number;
  readonly limits: RouterConfig['complexityLimits'];
}

export function complexityTerms(
  { complexityLimits: limits }: Pick<RouterConfig, 'complexityLimits'>,
  complexity: Complexity | null,
): ComplexityTerms | null {
  return complexity === null || limits.length === 0 ? null : { value: complexity.value, limits };
}

/** The same of a request that nobody has encoded yet; its text is only looked at where a rule could apply. */
export function complexityTermsOf(config: Pick<RouterConfig, 'complexityLimits'>, request: RouteRequested) {
  const text = config.complexityLimits.length === 0 ? null : requestText(request);
  if (text === null) return null;
  const { handFeatures } = encodeText(text);
  const promptTokens = request.contextTokens ?? estimateTokens(textBytes(request));
  return complexityTerms(config, complexityOf({ ...request, handFeatures: bytesOf(handFeatures), promptTokens }));
}

/** The parts that say most, the first one most, for people; none where nothing says much. */
export function leadingParts(complexity: Complexity, count = 2): ComplexityPart[] {
  writeStrengths(complexity);
  const leading: ComplexityPart[] = [];
  while (leading.length < count) {
    let strongest = 0;
    for (let i = 1; i < strengths.length; i++) if (strengths[i]! > strengths[strongest]!) strongest = i;
    if (!(strengths[strongest]! >= leastTelling)) break;
    leading.push(complexityParts[strongest]!);
    strengths[strongest] = 0;
  }
  return leading;
}

/** Of the complexity in hand, in the order of `complexityParts`. */
const strengths = new Float64Array(complexityParts.length);

/** By name, since a number that is read from an object under a changing name becomes an object. */
function writeStrengths(complexity: Complexity): void {
  strengths[0] = weights.structure * complexity.structure;
  strengths[1] = weights.code * complexity.code;
  strengths[2] = weights.mathematics * complexity.mathematics;
  strengths[3] = weights.languages * complexity.languages;
  strengths[4] = weights.parts * complexity.parts;
  strengths[5] = weights.context * complexity.context;
  strengths[6] = weights.tools * complexity.tools;
  strengths[7] = weights.history * complexity.history;
  strengths[8] = weights.trajectory * complexity.trajectory;
}

/** What brings less than this is not worth a word. */
const leastTelling = 0.05;

/** A past of fewer tokens is hardly worth cutting. */
const leastCompacted = 2_000;
/** What each sign of trouble makes of the trajectory alone. */
const failureWeight = 0.7;
const repeatWeight = 0.8;
const stallWeight = 0.6;
const compactedWeight = 0.3;
const poorWeight = 0.3;
/** So many in a row are as bad as it gets. */
const manyFailures = 5;
const manyRepeats = 3;

function troubleOf({ failuresInARow, sameFailures, stalls, compacted }: Trajectory): number {
  return together([
    failureWeight * share(failuresInARow, manyFailures),
    repeatWeight * share(Math.max(0, sameFailures - 1), manyRepeats),
    stallWeight * share(stalls, manyRepeats),
    compacted ? compactedWeight : 0,
  ]);
}

// Places of the hand-made features (`encode.ts`) that are read here.
const wordsAt = 1;
const linesAt = 2;
/** Shares of letters, then of capitals, digits, blanks, ideographs, Cyrillic letters, letters of other scripts. */
const lettersAt = 3;
const [ideographsAt, cyrillicAt, othersAt] = [lettersAt + 4, lettersAt + 5, lettersAt + 6];
/** Log counts of groups of symbols, in the order of `encode.ts`. */
const symbolsAt = 10;
const [questionAt, exclamationAt, commaAt, stopAt, colonAt, semicolonAt, bracketAt, squareAt, braceAt, angleAt] = [
  symbolsAt,
  symbolsAt + 1,
  symbolsAt + 2,
  symbolsAt + 3,
  symbolsAt + 4,
  symbolsAt + 5,
  symbolsAt + 6,
  symbolsAt + 7,
  symbolsAt + 8,
  symbolsAt + 9,
];
const [equalsAt, operatorAt, backslashAt, dollarAt, underscoreAt, hashAt, backtickAt] = [
  symbolsAt + 10,
  symbolsAt + 11,
  symbolsAt + 12,
  symbolsAt + 13,
  symbolsAt + 14,
  symbolsAt + 15,
  symbolsAt + 16,
];
const choicesAt = 30;
const indentedAt = 31;

const enoughMarks = Math.log1p(manyMarks);
const enoughLines = Math.log1p(manyLines);

function textParts(hand: Float32Array): Pick<Parts, 'structure' | 'code' | 'mathematics' | 'languages' | 'parts'> {
  const marks = (at: number): number => share(hand[at]!, enoughMarks);
  const lines = (at: number): number => share(hand[at]!, enoughLines);
  const countOf = (at: number): number => Math.expm1(hand[at]!);
  const words = Math.expm1(2 * hand[wordsAt]!);
  const sentences = Math.max(1, countOf(stopAt) + countOf(questionAt) + countOf(exclamationAt));
  const furtherQuestions = logShare(Math.max(0, countOf(questionAt) - 1), manyMarks / 2);
  const ofPrograms =
    marks(braceAt) +
    marks(squareAt) +
    marks(semicolonAt) +
    marks(underscoreAt) +
    marks(angleAt) +
    marks(backtickAt) +
    marks(hashAt);
  return {
    structure:
      (lines(linesAt) + lines(indentedAt) + marks(bracketAt) + share(words / sentences, longSentenceWords)) / 4,
    // Few programs use all of these: as much as three of them can say is all.
    code: Math.min(1, ofPrograms / 3),
    // Operators stand for calculations; the others for formulas, too.
    mathematics: (2 * marks(operatorAt) + marks(equalsAt) + marks(backslashAt) + marks(dollarAt)) / 5,
    languages: scriptEntropy(hand),
    parts: (marks(commaAt) + marks(colonAt) + marks(semicolonAt) + furtherQuestions + marks(choicesAt)) / 5,
  };
}

/** In bits, at most 1: two scripts of equal shares have one. */
function scriptEntropy(hand: Float32Array): number {
  const [ideographs, cyrillic, others] = [hand[ideographsAt]!, hand[cyrillicAt]!, hand[othersAt]!];
  const latin = Math.max(0, hand[lettersAt]! - cyrillic - others);
  const total = latin + ideographs + cyrillic + others;
  // Most texts are in one script.
  if (!(total > latin)) return 0;
  const bits = (letters: number): number => (letters > 0 ? -(letters / total) * Math.log2(letters / total) : 0);
  return Math.min(1, bits(latin) + bits(ideographs) + bits(cyrillic) + bits(others));
}

function combined(given: Parts, housekeeping: boolean): Complexity {
  const complexity: Complexity = {
    value: 0,
    structure: rounded(given.structure),
    code: rounded(given.code),
    mathematics: rounded(given.mathematics),
    languages: rounded(given.languages),
    parts: rounded(given.parts),
    context: rounded(given.context),
    tools: rounded(given.tools),
    history: rounded(given.history),
    trajectory: rounded(given.trajectory),
    housekeeping,
  };
  let rest = 1;
  writeStrengths(complexity);
  for (let i = 0; i < strengths.length; i++) rest *= 1 - strengths[i]!;
  complexity.value = rounded((housekeeping ? housekeepingShare : 1) * (1 - rest));
  return complexity;
}

function together(chances: readonly number[]): number {
  return 1 - chances.reduce((rest, chance) => rest * (1 - chance), 1);
}

function rounded(part: number): number {
  return Math.round(Math.max(0, Math.min(1, part)) * step) / step;
}

function share(part: number, whole: number): number {
  return Math.max(0, Math.min(1, part / whole));
}

/** 1 from `many` on, half of it at about the square root. */
function logShare(count: number, many: number): number {
  return share(Math.log1p(count), Math.log1p(many));
}
