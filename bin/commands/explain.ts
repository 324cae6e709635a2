import type { Command } from 'commander';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { defaultGatewaySettings } from '../../services/gateway/config';
import { findDecision } from '../../services/gateway/decisions/find-decision';
import { atGatewayOrLog, type WhereOptions } from '../drive/gateway-or-log';
import { explain } from '../explain-decision';
import { findStore } from '../find-store';
import { askGateway } from '../gateway-client';
import { CliError, type Io } from '../io';
import { addHomeOptions, openHome } from '../open-home';
import { defaultGatewayUrl, gatewayUrl } from '../read-options';

export function addExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description('Say why a request got its model: what every thread thought, and what the draw was made of.')
    .argument('<requestId>', 'id of the request, which is also the id of its decision')
    .option('--url <url>', `a running gateway (default: ${defaultGatewayUrl}, else the store written last)`, gatewayUrl)
    .option('-d, --data-dir <directory>', 'read the store of a stopped engine instead')
    .option('--json', 'the decision as it is on the topic');
  addHomeOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router explain 7f1c\n  $ quantum-router explain 7f1c --data-dir data/engine --json',
    )
    .action(async (requestId: string, options: WhereOptions) => {
      const decision = await atGatewayOrLog(io, options, {
        gateway: (gateway) =>
          askGateway<RouteDecided>(gateway, 'GET', `/v1/decisions/${encodeURIComponent(requestId)}`),
        log: () => fromLog(io, options, requestId),
      });
      io.stdout.write(options.json ? `${JSON.stringify(decision)}\n` : explain(decision, io.stdout.columns));
    });
}

/** Reads the log without any service: nothing is decided or written. */
async function fromLog(io: Io, options: WhereOptions, requestId: string): Promise<RouteDecided> {
  const dataDir = options.kafka ? '' : findStore(io, options.dataDir);
  const where = options.kafka
    ? `the topics ${options.topicPrefix ?? ''}* at ${options.kafka}`
    : `the store in ${dataDir}`;
  const home = await openHome(
    io,
    { ...options, dataDir },
    { log: createLog({ level: 'error' }), metrics: createMetrics(), readOnly: true },
  );
  try {
    const { broker, topicPrefix } = home;
    const topic = (await broker.listTopics()).find(({ name }) => name === topicPrefix + topics.routeDecided.name);
    if (!topic) throw new CliError(`there are no decisions in ${where}`);
    const { maxScannedRecords: maxRecords } = defaultGatewaySettings;
    const { decision } = await findDecision(
      { broker, topicPrefix, requestPathPartitions: topic.partitions },
      { decisionId: requestId, routingKey: null, maxRecords, wants: 'first' },
    );
    if (!decision)
      throw new CliError(`no decision with id ${JSON.stringify(requestId)} among the newest records in ${where}`);
    return decision;
  } finally {
    await home.close();
  }
}
