/**
 * How an agent's conversation is going, as far as its turns tell: tools that failed one after the other, the same failure
 * again, the same words again, a past that was cut, and requests that only keep the books. Only marks are looked for, in the
 * first and last characters of the newest turns, and only counts come out. Tools and programs speak English, so the marks do.
 */
import type { Message } from '../../topics/generated/messages';

export interface Trajectory {
  /** Answers of tools since the user last spoke that report a failure, back to the last one that does not; 8 at most. */
  readonly failuresInARow: number;
  /** How many of these say the same as the newest, itself included. */
  readonly sameFailures: number;
  /**
   * How often nothing new has come, since the user last spoke: the assistant has said its newest words before, or the newest answer of
   * a tool, whatever it says, has come more than twice in a row; 5 at most.
   */
  readonly stalls: number;
  /** Whether what came before was replaced by a summary. */
  readonly compacted: boolean;
  /** Whether a program asks for a title, tags, further questions or a summary of the conversation. */
  readonly housekeeping: boolean;
}

const smooth: Trajectory = { failuresInARow: 0, sameFailures: 0, stalls: 0, compacted: false, housekeeping: false };

/** Turns looked at from the end. */
const maxTurns = 200;
/** More failures in a row than this say nothing more, nor do more repetitions... */
const mostFailures = 8;
/** ...which are looked for in so many turns of the assistant. */
const mostSaid = 6;
/** Two calls that both say `ok` are nothing to wonder about. */
const usualRepeats = 1;
/** Characters looked at from the beginning and from the end of one. */
const edge = 300;
/** A compacted past is told about in the first turns. */
const firstTurns = 3;
/** A longer instruction is about more than the books. */
const longestInstruction = 6_000;

const failed =
  /^[^\w\n"{]{0,4}(?:error|fatal|panic|traceback|exception|failed|failure)\b|[a-z](?:error|exception):|\bexit(?:ed)?\b[^\n\d]{0,20}\b[1-9]\d{0,2}\b|\bnon-zero exit\b|\b(?:http|status)\b[^\n\d]{0,10}\b[45]\d\d\b|"is_?error"\s?:\s?true|"error"\s?:\s?["{]|\bcommand not found\b|\bno such file or directory\b|\bpermission denied\b|\b[1-9]\d{0,5} (?:tests? |specs? )?(?:failed|failing)\b/im;
const cutPast =
  /\bsession is being continued from a previous conversation\b|\b(?:conversation|context|history)\b[^\n]{0,30}\b(?:was|were|has been|have been) (?:compacted|summari[sz]ed|truncated)\b|<(?:conversation_)?summary>|\bsummary of (?:the|our|this) (?:conversation|session) so far\b/i;
const books =
  /\b(?:title|tags?|topic)\b[^\n]{0,80}\b(?:conversation|chat|session|thread)\b|\bsummari[sz]e (?:the|this|our) (?:entire |whole )?(?:conversation|chat|session)\b|\bfollow-?up questions\b[^\n]{0,120}\b(?:conversation|chat)\b/i;
const asksForBooks = /\b(?:generate|write|create|suggest|give|provide|analy[sz]e|summari[sz]e)\b/i;

/** Pure. `messages` are the turns as intake sees them; none for a prompt, of which nothing of this is known. */
export function trajectoryOf(messages: readonly Message[]): Trajectory {
  if (messages.length === 0) return smooth;
  const newest = messages.slice(-maxTurns);
  return {
    ...failuresOf(newest),
    stalls: stallsOf(newest),
    compacted: messages.slice(0, firstTurns).some(({ content }) => cutPast.test(edgesOf(content))),
    housekeeping: keepsBooks(messages),
  };
}

function failuresOf(messages: readonly Message[]): Pick<Trajectory, 'failuresInARow' | 'sameFailures'> {
  let [failuresInARow, sameFailures] = [0, 0];
  let first: string | null = null;
  for (const message of sinceUser(messages)) {
    const { content } = message;
    if (!isOfTool(message)) continue;
    const text = edgesOf(content);
    if (!failed.test(text)) break;
    failuresInARow++;
    const signature = signatureOf(text);
    first ??= signature;
    if (signature === first) sameFailures++;
    if (failuresInARow === mostFailures) break;
  }
  return { failuresInARow, sameFailures };
}

function stallsOf(messages: readonly Message[]): number {
  const newest = [...sinceUser(messages)].filter(({ content }) => content.trim() !== '');
  const said = newest
    .filter(({ role }) => role === 'assistant')
    .slice(0, mostSaid)
    .map(({ content }) => signatureOf(edgesOf(content)));
  const answered = newest.filter(isOfTool).slice(0, mostSaid + usualRepeats);
  const others = answered.findIndex(({ content }) => content !== answered[0]!.content);
  const inARow = others < 0 ? answered.length : others;
  return Math.max(said.slice(1).filter((text) => text === said[0]).length, inARow - 1 - usualRepeats, 0);
}

function isOfTool({ role }: Message): boolean {
  return role === 'tool' || role === 'function';
}

/** Newest first, back to the last turn in which the user said something. Answers of tools come as turns of the user, too, without text. */
function* sinceUser(messages: readonly Message[]): Generator<Message> {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    if (message.role === 'user' && message.content.trim() !== '') return;
    yield message;
  }
}

/** It stands in the instructions, or in what the user (that is, the program) says last. */
function keepsBooks(messages: readonly Message[]): boolean {
  const asked = messages.findLast(({ role }) => role === 'user');
  const instructed = messages[0]!.role === 'system' || messages[0]!.role === 'developer' ? messages[0] : undefined;
  return [asked, instructed].some((message) => {
    if (!message || message.content.length > longestInstruction) return false;
    const text = edgesOf(message.content);
    return asksForBooks.test(text) && books.test(text);
  });
}

function edgesOf(text: string): string {
  return text.length <= 2 * edge ? text : `${text.slice(0, edge)}\n${text.slice(-edge)}`;
}

/** Without what differs from one time to the next: numbers, and how it is laid out. */
function signatureOf(text: string): string {
  return text.toLowerCase().replace(/\d+/g, '0').replace(/\s+/g, ' ').trim();
}
