/** Where the commands find weights and who answers them: a gateway, the trainer of a cluster, or this process on a stopped engine's store. */
import type { Broker } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import type { WeightsAnswer, WeightsCommand, WeightsVersion } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { askTrainer } from '../../lib/weights/ask-trainer';
import { askAudited } from '../../lib/weights/audit-weights';
import { readWeights } from '../../lib/weights/read-weights';
import type { EngineHome } from '../../services/home';
import { askGateway, type GatewayAddress } from '../gateway-client';
import { CliError } from '../io';
import { startOwnTrainer } from './own-trainer';

export type Wish = Pick<WeightsCommand, 'kind' | 'policySha256' | 'force' | 'requestedBy'>;

export interface WeightsDesk {
  read(): Promise<{ readonly inForce: string | null; readonly versions: readonly WeightsVersion[] }>;
  /** Throws a CliError with the reason of a refusal. */
  ask(wish: Wish): Promise<Pick<WeightsAnswer, 'policySha256' | 'sequence' | 'why'>>;
}

export function gatewayDesk(gateway: GatewayAddress): WeightsDesk {
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    askGateway<T>(gateway, method, path, body);
  return {
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
