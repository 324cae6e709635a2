/**
 * What kind of task a request is, for profiles per task: the caller's hint, else a guess from a few words and symbols.
 * The guess only picks a prior; what a request is really like is learned from its features.
 */

/** Inferred types, in order of precedence when two are equally likely. A hint may name any other. */
export const taskTypes = [
  'translation',
  'code',
  'math',
  'extraction',
  'reasoning',
  'writing',
  'qa',
  'general',
] as const;

const maxHintLength = 64;
const headChars = 700;
const tailChars = 300;

/** Words and symbols per type, on lower-cased text; English, German, French, Spanish, Chinese, Japanese. */
const marks: Readonly<Record<Exclude<(typeof taskTypes)[number], 'general'>, RegExp>> = {
  translation: /translat|übersetz|traduis|traduire|traduc|翻译|翻訳|перевед/g,
  code: /```|\bdef \w+\(|\bfunction\b|\bclass \w+|#include|\bimport \w+|\breturn\b|\bpython\b|\bjavascript\b|\btypescript\b|\bjava\b|\bsql\b|\bregex\b|\bbug\b|\bcompil|\bunit test|\basync\b|programm|\bcode\b|代码|コード|=>|\{\s*$|;\s*$/gm,
  math: /\$[^$\n]{1,60}\$|\\frac|\\sqrt|\\sum|\\int|\bequation|\bintegral|\bprobability\b|\bpolynomial|\btriangle\b|\bprime number|\bderivative|\bgleichung|\bberechne|\bcalcul|\bhow many\b|\d\s*[+*/=^×÷]\s*\d|方程|计算|計算/g,
  extraction:
    /\bextract\b|\bsummar|\bclassif|\bpassage\b|\bcontext:|\baccording to\b|\bfields?\b.{0,20}\bjson\b|\bnamed entit|\bzusammenfass|\bextrahier|\brésum|\bresum|摘要|提取|要約/g,
  reasoning:
    /\bwhy\b|\bstep by step\b|\blogic|\bpuzzle|\briddle|\bprove\b|\bproof\b|\btherefore\b|\bargument\b|\bassum|\bif .{1,80} then\b|\bwarum\b|\bpourquoi\b|\bpor qué\b|为什么|推理|なぜ|(?:^|\n)\s*\(?[a-e][).] /g,
  writing:
    /\bwrite an? (?:\w+ )?(?:story|poem|essay|email|letter|article|blog|song|speech)|\bpoem\b|\bessay\b|\bstory\b|\brewrite\b|\brephrase\b|\btone\b|\bschreib|\brédige|\bécris|\bescrib|写一|作文|書いて/g,
  qa: /\b(?:who|what|when|where|which) (?:is|are|was|were|did|does)\b|\bwer (?:ist|war)|\bwas ist|\bwann\b|\bqui est|\bqu'est|\bqué es|\bquién|什么是|是谁|とは/g,
};

/**
 * A non-empty hint is kept as it is, cut to 64 characters; without one the type with the most marks at the head and tail
 * of the text wins. `general` when there is no text or no mark.
 */
export function inferTask(hint: string | null, text: string | null): string {
  const given = hint?.trim();
  if (given) return given.slice(0, maxHintLength);
  if (!text) return 'general';
  const seen = (
    text.length > headChars + tailChars ? `${text.slice(0, headChars)}\n${text.slice(-tailChars)}` : text
  ).toLowerCase();
  let best: string = 'general';
  let bestCount = 0;
  for (const type of taskTypes) {
    if (type === 'general') continue;
    const count = seen.match(marks[type])?.length ?? 0;
    if (count > bestCount) {
      best = type;
      bestCount = count;
    }
  }
  return best;
}
