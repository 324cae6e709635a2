/**
 * What kind of task a request is, for profiles per task: the caller's hint, else a guess from a few words and symbols,
 * in one pass over the text. The guess is a prior and one feature among many; what a request is really like is learned.
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
type Guessed = Exclude<(typeof taskTypes)[number], 'general'>;

const maxHintLength = 64;
const headChars = 700;
const tailChars = 300;
/** Words are compared by their first letters, which stands for a stem in all the languages below. */
const stemLetters = 6;

/**
 * Words per type: what such requests usually ask for (`strong`, three points) and what they are about (`weak`, one point).
 * English, German, French, Spanish, Russian, Chinese, Japanese. "a-b" are two words in a row; Chinese and Japanese marks
 * are two characters. A word counts once.
 */
const vocabulary: Readonly<Record<Guessed, { readonly strong: string; readonly weak: string }>> = {
  translation: {
    strong: `translate translation localise localize transliterate übersetze übersetzung
      auf-deutsch auf-englisch ins-deutsche ins-englische traduis traduire traduction traduce traducir traducción перевод
      переведи перевести 翻译 翻譯 翻訳 译成`,
    weak: `english german french spanish russian chinese japanese portuguese polish italian korean arabic dutch turkish
      hindi swedish englische deutsche französisch spanisch russisch chinesisch polnisch japanisch anglais allemand
      espagnol inglés francés английский немецкий французский 英文 英语 中文 德语 法语 日语 俄语 英語 日本`,
  },
  code: {
    strong: `python javascript typescript java kotlin rust golang sql html css bash regex c++ c# code codes function
      functions refactor debug def compile compiler script unit-test unit-tests programm programmiere quelltext programme-en
      código función код кода программу функцию 代码 函数 编程 程序 コー 関数`,
    weak: `program implement implementation bug class method return const async await api array loop
      variable exception stack database query library algorithm thread var null void int
      implementiere funktion fehler ошибку алгоритм 实现 算法`,
  },
  math: {
    strong: `solve equation equations integral derivative polynomial probability remainder divisible prime-number
      how-many how-much calculate compute gleichung berechne wahrscheinlichkeit calcule calculer calcula ecuación
      вычисли уравнение уравнения вероятность сколько 计算 方程 概率 多少 計算 確率`,
    weak: `evaluate area volume triangle circle radius angle percent fraction decimal integer integers sum product divided
      multiply square root roots real average ratio interest speed ways theorem proof prove matrix vector modulo exact
      beweise summe fläche prozent prouve demuestra корни докажи 证明 面积 利润 百分 求解`,
  },
  extraction: {
    strong: `extract extraction summarize summarise summary classify classification named-entities named-entity entity
      entities json csv list-all list-every mentioned label annotate according-to following-text zusammenfassung fasse
      extrahiere nenne-alle liste-alle résume extrais extrae resume извлеки выпиши перечисли 摘要 提取 总结 找出 抽取 要約 抽出`,
    weak: `text passage paragraph article document notes table fields column columns quote names dates amounts list fill
      occur below above log mail context find folgenden texte texto тексте 文字 文章 文本 段落 表格`,
  },
  reasoning: {
    strong: `logic logical puzzle riddle deduce infer premise premises conclusion argument syllogism valid
      step-by logik rätsel schlussfolgerung raisonnement lógica логика загадка 推理 逻辑 结论 得出 なぜ`,
    weak: `why assume assuming suppose therefore hence if then every none true false lie lies lying liar truth
      cause likely evidence decide weigh contradict consistent both either neither warum wenn
      folgt pourquoi por-qué почему если лжёт следует 为什 如果 因为 所有`,
  },
  writing: {
    strong: `short-story story-about poem poems essay slogan slogans blog haiku tagline screenplay fairy-tale cover-letter
      invent imagine rewrite rephrase paraphrase gedicht geschichte märchen
      erzähle verfasse aufsatz poème histoire rédige cuento poema redacta рассказ сказка сказку стихи сочини
      诗歌 故事 写一 作文 短诗 小说 書い`,
    weak: `write write-a write-an describe continue creative story stories dialogue speech lyrics tale fable legend voice style tone rhyme rhymes stanza stanzas verse email schreibe
      écris escribe напиши 散文 标题`,
  },
  qa: {
    strong: 'wer-ist was-ist qui-est qué-es quién-es что-такое кто-такой 什么是 是谁 とは',
    weak: `who what when where which who-is who-was what-is what-was when-was when-did where-is capital wer wann où cuándo когда где`,
  },
};
const strongPoints = 3;
const weakPoints = 1;

// Bound once: a test runner intercepts globals, and looking Math up per letter then costs more than the scan.
const { imul } = Math;

/** Points by hash of a stem, or of two in a row: type * 4 + points. */
const marks = new Map<number, number>();
/**
 * The same as an open-addressed table, since nearly every word of a text is looked up and found nowhere: a hash of a mark,
 * and beside it its points plus 1; 0 for a free slot.
 */
const slotCount = 4096;
const slotHashes = new Int32Array(slotCount);
const slotMarks = new Uint8Array(slotCount);
/** Types in the order of `taskTypes`, without the last. */
const guessed = taskTypes.slice(0, -1) as readonly Guessed[];
const codeType = guessed.indexOf('code');
const mathType = guessed.indexOf('math');
const reasoningType = guessed.indexOf('reasoning');
for (const [type, name] of guessed.entries()) {
  const { strong, weak } = vocabulary[name];
  for (const [list, points] of [[weak, weakPoints] as const, [strong, strongPoints] as const]) {
    for (const mark of list.split(/\s+/)) marks.set(hashOf(mark), type * 4 + points);
  }
}

for (const [hash, mark] of marks) {
  const slot = slotOf(hash);
  slotHashes[slot] = hash;
  slotMarks[slot] = mark + 1;
}

/** The slot of a hash, or the free one where it would be. */
function slotOf(hash: number): number {
  let slot = (hash ^ (hash >>> 15)) & (slotCount - 1);
  while (slotMarks[slot] !== 0 && slotHashes[slot] !== hash) slot = (slot + 1) & (slotCount - 1);
  return slot;
}

/** Hash of a mark as the scan below would come to it. */
function hashOf(mark: string): number {
  const [first, second] = mark.split('-').map((word) => {
    let hash = 0;
    for (let i = 0; i < Math.min(word.length, stemLetters); i++) hash = addLetter(hash, word.charCodeAt(i));
    return hash;
  });
  return second === undefined ? first! : pairOf(first!, second);
}

function addLetter(hash: number, code: number): number {
  return (imul(hash, 31) + code) | 0;
}

function pairOf(first: number, second: number): number {
  return (imul(first, 0x01000193) ^ second) | 0;
}

const newline = 0x0a;
/** A blank and a digit are looked for behind an operator. */
const lookAhead = 2;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isIdeograph = (code: number): boolean => code >= 0x3040 && code <= 0x9fff;
/** Letters of any script but the ideographs; + and # for "c++" and "c#". */
const isLetter = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0xc0 && code < 0x2000 && code !== 0xd7 && code !== 0xf7);

/** Symbols add at most so many points to a type: a page of figures is not yet a calculation. */
const mostSymbolPoints = 4;

// Scratch space: a guess is synchronous.
const symbolPoints = new Int32Array(guessed.length);
const points = new Int32Array(guessed.length);
/** Of each mark's slot: the number of the text in which it was seen last. */
const seenIn = new Int32Array(slotCount);
let textNumber = 0;
/** Numbers begin again after so many texts. */
const mostTexts = 2 ** 30;
/** The text in hand in lower case, as code units; zeros behind it, since it is looked at a few places ahead. */
const codes = new Uint16Array(2 * (headChars + tailChars + 1) + lookAhead);
let length = 0;

/** Adds the mark's points, once per text. */
function score(hash: number): void {
  const slot = slotOf(hash);
  const mark = slotMarks[slot]! - 1;
  if (mark < 0 || seenIn[slot] === textNumber) return;
  seenIn[slot] = textNumber;
  const type = mark >> 2;
  points[type] = points[type]! + (mark & 3);
}

/**
 * A non-empty hint is kept as it is, cut to 64 characters; without one the type with the most points at the head and tail
 * of the text wins. `general` when there is no text or no mark. Pure; about 10 microseconds for 1 kB.
 */
export function inferTask(hint: string | null, text: string | null): string {
  const given = hint?.trim();
  if (given) return given.slice(0, maxHintLength);
  if (!text) return 'general';
  points.fill(0);
  symbolPoints.fill(0);
  if (textNumber++ === mostTexts) {
    seenIn.fill(0);
    textNumber = 1;
  }
  if (!writePlain(text)) writeLowerCase(text);
  codes.fill(0, length, length + lookAhead);
  scan();
  let best: string = 'general';
  let most = 0;
  for (let type = 0; type < guessed.length; type++) {
    if (points[type]! <= most) continue;
    most = points[type]!;
    best = guessed[type]!;
  }
  return best;
}

/** Units of letters below this have their small letter in `smallLetters`... */
const firstUncased = 0x2000;
/** ...unless that depends on what is beside them, or is two units. */
const special = 0xffff;
const smallLetters = Uint16Array.from({ length: firstUncased }, (_, code) => {
  const small = String.fromCharCode(code).toLowerCase();
  return small.length === 1 && code !== 0x3a3 ? small.charCodeAt(0) : special;
});
/** Punctuation, ideographs, Hangul and halves of characters, which have no capitals or are none of our letters. */
const isUncased = (code: number): boolean =>
  (code >= 0x2010 && code <= 0x206f) || (code >= 0x3000 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xdfff);

/** Writes head and tail of a text in lower case, without making another one of it; false where that takes more than a table. */
function writePlain(text: string): boolean {
  length = 0;
  const isWhole = text.length <= headChars + tailChars;
  if (!writePlainPart(text, 0, isWhole ? text.length : headChars)) return false;
  if (isWhole) return true;
  codes[length++] = newline;
  return writePlainPart(text, text.length - tailChars, text.length);
}

function writePlainPart(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const small = code < firstUncased ? smallLetters[code]! : isUncased(code) ? code : special;
    if (small === special) return false;
    codes[length++] = small;
  }
  return true;
}

/** The same of any text. A capital becomes two units at most. */
function writeLowerCase(text: string): void {
  const lower = (
    text.length > headChars + tailChars ? `${text.slice(0, headChars)}\n${text.slice(-tailChars)}` : text
  ).toLowerCase();
  length = lower.length;
  for (let i = 0; i < length; i++) codes[i] = lower.charCodeAt(i);
}

function scan(): void {
  let stem = 0;
  let letters = 0;
  let previousStem = 0;
  let code = newline;
  for (let i = 0; i <= length; i++) {
    const before = code;
    code = i < length ? codes[i]! : newline;
    if (isLetter(code) || (letters === 1 && (code === 0x2b || code === 0x23)) || (letters === 2 && code === 0x2b)) {
      if (letters++ < stemLetters) stem = addLetter(stem, code);
      continue;
    }
    if (letters > 0) {
      score(stem);
      if (previousStem !== 0) score(pairOf(previousStem, stem));
      previousStem = stem;
      stem = 0;
      letters = 0;
    }
    if (isIdeograph(code)) {
      if (isIdeograph(before)) score(addLetter(before, code));
    } else if (code > 0x20) {
      scoreSymbol(i, code, before);
      previousStem = 0; // a pair stands in one phrase
    }
  }
}

/** Code by its line ends, arrows and fences; formulas by operators, powers and TeX commands; choices by "A)" or "b.". */
function scoreSymbol(i: number, code: number, before: number): void {
  const after = i + 1 < length ? codes[i + 1]! : newline;
  let type = -1;
  if ((code === 0x3b || code === 0x7b || code === 0x7d) && after === newline)
    type = codeType; // ; { } at the end of a line
  else if (code === 0x3e && (before === 0x3d || before === 0x2d || before === 0x3e))
    type = codeType; // => -> >>
  else if ((code === 0x60 || code === 0x3d) && before === code)
    type = codeType; // `` ==
  else if (code === 0x28 && after === 0x29)
    type = codeType; // ()
  else if (code === 0x5c && after >= 0x61 && after <= 0x7a)
    type = mathType; // \frac
  else if (code === 0x5e && (isDigit(after) || after === 0x7b))
    type = mathType; // ^2
  else if ((code === 0x2b || code === 0x3d || code === 0x2a) && isOperand(i))
    type = mathType; // 3 + 4
  else if ((code === 0x29 || code === 0x2e) && isChoice(i, before)) type = reasoningType;
  if (type < 0 || symbolPoints[type]! >= mostSymbolPoints) return;
  symbolPoints[type] = symbolPoints[type]! + weakPoints;
  points[type] = points[type]! + weakPoints;
}

/** Whether a number follows, after at most one blank. */
function isOperand(i: number): boolean {
  const next = codes[i + 1]!;
  return isDigit(next) || (next === 0x20 && isDigit(codes[i + 2]!));
}

/** Whether a single letter a-e stands before, at the start of a line or in brackets. */
function isChoice(i: number, before: number): boolean {
  if (before < 0x61 || before > 0x65) return false;
  const start = i < 2 ? newline : codes[i - 2]!;
  return start === newline || start === 0x28;
}
