/** Where the commands find weights and who answers them: a gateway, the trainer of a cluster, or this process on a stopped engine's store. */
import { createConfigWriter } from '../../lib/config/apply-config';
import { configFromJson, validateConfig } from '../../lib/config/parse-config';
import type { ForgetRule } from '../../lib/config/router-config';
import type { Broker } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import type { ConfigApplied, WeightsAnswer, WeightsCommand, WeightsVersion } from '../../lib/topics/generated/messages';
import { readLast } from '../../lib/topics/read-last';
import { topics } from '../../lib/topics/topics';
import { askTrainer } from '../../lib/weights/ask-trainer';
import { askAudited } from '../../lib/weights/audit-weights';
import { readWeights } from '../../lib/weights/read-weights';
import type { EngineHome } from '../../services/home';
import { askGateway, type GatewayAddress } from '../gateway-client';
import { CliError } from '../io';
import { startOwnTrainer } from './own-trainer';

export type Wish = Pick<WeightsCommand, 'kind' | 'policySha256' | 'force' | 'requestedBy'>;

export type ForgetWish = Pick<ForgetRule, 'source' | 'from' | 'to' | 'reason'>;

export interface WeightsDesk {
  /** Puts a rule into the configuration; returns its version. Throws a CliError with the reason of a refusal. */
  forget(rule: ForgetWish, by: string): Promise<number>;
  read(): Promise<{ readonly inForce: string | null; readonly versions: readonly WeightsVersion[] }>;
  /** Throws a CliError with the reason of a refusal. */
  ask(wish: Wish): Promise<Pick<WeightsAnswer, 'policySha256' | 'sequence' | 'why'>>;
}

export function gatewayDesk(gateway: GatewayAddress): WeightsDesk {
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    askGateway<T>(gateway, method, path, body);
  return {
    forget: async (rule) =>
      (await call<{ readonly configVersion: number }>('POST', '/v1/weights/forget', rule)).configVersion,
    read: () => call('GET', '/v1/weights'),
    ask: ({ kind, force, policySha256, requestedBy }) =>
      kind === 'PROMOTE'
        ? call('POST', '/v1/weights/promote', { policySha256, requestedBy, force })
        : call('POST', '/v1/weights/rollback', { policySha256, requestedBy }),
  };
}

export interface LogDeskOptions {
  readonly home: EngineHome;
  /** Named in messages. */
  readonly where: string;
  /** Who answers: the trainer that runs there within so long, or one of our own (null). */
  readonly timeoutMs: number | null;
}

export function logDesk({ home, where, timeoutMs }: LogDeskOptions): WeightsDesk {
  const { broker, clock, topicPrefix } = home;
  return {
    async forget(rule, by) {
      await assertTopics(broker, topicPrefix, where);
      const applied = await readLast(broker, topics.config, topicPrefix, {
        accepts: ({ json }) => void configFromJson(json),
      });
      if (!applied) throw new CliError(`no configuration is in force in ${where}`);
      const version = await putRule(home, applied, rule, by);
      if (timeoutMs === null) await foldOurselves(home);
      return version;
    },
    async read() {
      await assertTopics(broker, topicPrefix, where);
      const { inForce, versions } = await readWeights(broker, topicPrefix);
      return { inForce: inForce?.policySha256 ?? null, versions };
    },
    async ask(wish) {
      await assertTopics(broker, topicPrefix, where);
      const command = { ...wish, commandId: home.createId(), requestedAtMs: clock.nowMs() };
      const answer =
        timeoutMs === null
          ? await askAudited(home, command, () => answerOurselves(home, command))
          : await askAudited(home, command, () => askTrainer({ broker, clock, topicPrefix, timeoutMs }, command));
      if (!answer)
        throw new CliError(
          `the trainer has not answered within ${timeoutMs! / 1_000} s; it carries the command out when it can: see \`models list\``,
        );
      if (answer.status === 'REFUSED') throw new CliError(answer.why);
      return answer;
    },
  };
}

/** Throws a CliError that names the field, or says that somebody else was ahead. */
async function putRule(home: EngineHome, applied: ConfigApplied, rule: ForgetWish, by: string): Promise<number> {
  const config = configFromJson(applied.json);
  const { learning } = config;
  const checked = validateConfig({ ...config, learning: { ...learning, forget: [...(learning.forget ?? []), rule] } });
  if (!checked.ok)
    throw new CliError(checked.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  const { broker, clock, topicPrefix } = home;
  const writer = createConfigWriter({ broker, clock, name: home.createId(), topicPrefix });
  try {
    const written = await writer.apply(checked.config, applied.version, `models forget by ${by}`, rule.reason);
    if (!written.ok) throw new CliError('the configuration was changed meanwhile; try again');
    return written.applied.version;
  } finally {
    await writer.close();
  }
}

async function foldOurselves(home: EngineHome): Promise<void> {
  const trainer = await startOwnTrainer(home, createLog({ level: 'error' }));
  try {
    await trainer.foldToEnd();
  } finally {
    await trainer.stop();
  }
}

async function answerOurselves(home: EngineHome, command: WeightsCommand): Promise<WeightsAnswer> {
  const trainer = await startOwnTrainer(home, createLog({ level: 'error' }));
  try {
    await trainer.foldToEnd();
    return await trainer.carryOut(command);
  } finally {
    await trainer.stop();
  }
}

async function assertTopics(broker: Broker, topicPrefix: string, where: string): Promise<void> {
  const known = new Set((await broker.listTopics()).map(({ name }) => name));
  const needed = [topics.weightsPublished, topics.weightsVersions].map(({ name }) => topicPrefix + name);
  if (needed.some((name) => !known.has(name))) throw new CliError(`no weights were ever learned in ${where}`);
}
