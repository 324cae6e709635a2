/**
 * Keeps a share of the answers where the configuration says so, sealed, on a topic of their own. Nobody waits for it, and a log
 * that takes nothing costs answers but no memory.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { AnswersConfig } from '../../../lib/config/answers-config';
import type { Environment } from '../../../lib/config/expand-references';
import type { Broker } from '../../../lib/ports/broker';
import type { Clock } from '../../../lib/ports/clock';
import type { AnswerFacts } from '../../../lib/providers/answer-facts';
import type { Log } from '../../../lib/telemetry/log';
import type { Metrics } from '../../../lib/telemetry/metrics';
import type { KeptAnswer, RouteDecided } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createWriteBehind } from '../write-behind';
import { answerKeyOf, openAnswer, type SealedContent, sealAnswer } from './seal-answer';

export interface AnswerKeeper {
  /** Never rejects, and does nothing unless configured. */
  keep(answered: AnsweredCall, config: AnswersConfig): void;
  /** What it says, or why it cannot be opened here, for people. Who has opened it stands in the log. */
  open(
    kept: KeptAnswer,
    config: AnswersConfig,
    who: string,
  ): { readonly content: SealedContent } | { readonly fault: string };
  /** Resolves when all that were to be kept are, or have been given up. */
  close(): Promise<void>;
}

export interface AnsweredCall {
  readonly decision: RouteDecided;
  readonly model: string;
  readonly facts: Pick<AnswerFacts, 'text' | 'isTextCut' | 'toolCalls'>;
}

export interface AnswerKeeperParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly topicPrefix: string;
  /** Unique per process. */
  readonly name: string;
  readonly environment: Environment;
}

/** Of an answer as JSON; of a longer one its beginning is kept. */
const maxContentBytes = 600_000;
const cutChars = 100_000;
/** Of answers that wait to be written. */
const maxWaitingBytes = 33_554_432;
const maxBatch = 20;

export function createAnswerKeeper(parts: AnswerKeeperParts): AnswerKeeper {
  const { broker, clock, metrics, log, topicPrefix, environment } = parts;
  const producer = broker.producer(`answers-${parts.name}`);
  const count = (result: string, by = 1): void => metrics.count('quantum_router_answers_kept_total', { result }, by);
  let saidOf = '';

  const keyOf = (variable: string): Buffer | null => {
    const text = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
    return text === undefined ? null : answerKeyOf(text);
  };

  const behind = createWriteBehind({
    ...{ producer, clock, maxBatch, maxWaitingBytes },
    onWritten: (answers) => count('kept', answers),
    onFailed: (answers, error) => {
      log.warn('answers could not be kept', { answers, error });
      count('failed', answers);
    },
  });

  return {
    keep({ decision, model, facts }, { share, retentionMs, keys }) {
      const [sealing] = keys;
      if (sealing === undefined || draw(decision) >= share) return;
      const key = keyOf(sealing.keyEnv);
      if (key === null) {
        // Said once for each variable, and counted for every answer.
        if (saidOf !== sealing.keyEnv)
          log.error('answers are to be kept, but there is no key: none is kept', {
            variable: sealing.keyEnv,
            wanted: '32 bytes as base64, such as openssl rand -base64 32 makes',
          });
        saidOf = sealing.keyEnv;
        return count('no-key');
      }
      const nowMs = clock.nowMs();
      const { decisionId, routingKey, tenantId } = decision;
      const label = { decisionId, routingKey, tenantId, model, keyId: sealing.id };
      const times = { keptAtMs: nowMs, expiresAtMs: nowMs + retentionMs };
      const kept = sealAnswer(contentOf(facts), { ...label, ...times }, key, randomBytes(12));
      const { name, codec, keyOf: routingKeyOf } = topics.keptAnswers;
      const record = { topic: topicPrefix + name, key: routingKeyOf(kept), value: codec.encode(kept) };
      if (!behind.add(record)) count('too-many');
    },
    open(kept, { keys }, who) {
      const configured = keys.find(({ id }) => id === kept.keyId);
      if (!configured)
        return { fault: `it was sealed with the key ${kept.keyId}, which the configuration no longer has` };
      const key = keyOf(configured.keyEnv);
      if (key === null) return { fault: `the environment of this gateway has no usable ${configured.keyEnv}` };
      const content = openAnswer(kept, key);
      if (content) log.info('a kept answer was read', { decisionId: kept.decisionId, who });
      return content
        ? { content }
        : { fault: `it does not open with the key ${kept.keyId}: another key, or it was changed` };
    },
    async close() {
      await behind.flush();
      await producer.close();
    },
  };
}

function contentOf({ text, isTextCut, toolCalls }: AnsweredCall['facts']): SealedContent {
  const calls = toolCalls.map(({ name, arguments: args }) => ({ name, arguments: args }));
  const whole = { text, toolCalls: calls, isCut: isTextCut || toolCalls.some(({ isCut }) => isCut) };
  const size = sizeOf(whole);
  if (size !== null && size <= maxContentBytes) return whole;
  return { text: text.slice(0, cutChars), toolCalls: [], isCut: true };
}

/** In bytes; null for what cannot be written: a model may nest what it calls a tool with deeper than there is stack for. */
function sizeOf(content: SealedContent): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(content));
  } catch {
    return null;
  }
}

/** 0..1, the same for the same decision. */
function draw({ decisionId }: RouteDecided): number {
  return createHash('sha256').update(`keep/${decisionId}`).digest().readUInt32LE(0) / 2 ** 32;
}
