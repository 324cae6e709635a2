import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { defaultGatewaySettings } from '../../services/gateway/config';
import { findDecision } from '../../services/gateway/find-decision';
import { embeddedHome } from '../../services/home';
import { explain } from '../explain-decision';
import { callGateway, errorMessageOf } from '../gateway-client';
import { CliError, exitCodes, type Io } from '../io';
import { gatewayUrl } from '../read-options';

interface ExplainOptions {
  readonly url?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

const defaultUrl = 'http://127.0.0.1:8080';

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .description('Say why a request got its model: what every thread thought, and what the draw was made of.')
    .argument('<requestId>', 'id of the request, which is also the id of its decision')
    .option('--url <url>', `a running gateway (default: ${defaultUrl})`, gatewayUrl)
    .option('-d, --data-dir <directory>', 'read the store of a stopped engine instead')
    .option('--json', 'the decision as it is on the topic')
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router explain 7f1c\n  $ quantum-router explain 7f1c --data-dir data/engine --json',
    )
    .action(async (requestId: string, options: ExplainOptions) => {
      if (options.url && options.dataDir) throw new CliError('give either --url or --data-dir', exitCodes.usage);
      const decision = options.dataDir
        ? await fromStore(io, options.dataDir, requestId)
        : await fromGateway(options.url ?? defaultUrl, requestId);
      io.stdout.write(options.json ? `${JSON.stringify(decision)}\n` : explain(decision));
    });
}

async function fromGateway(url: string, requestId: string): Promise<RouteDecided> {
  const answer = await callGateway(url, 'GET', `/v1/decisions/${encodeURIComponent(requestId)}`);
  if (!answer.ok) throw new CliError(errorMessageOf(answer));
  return answer.body as RouteDecided;
}

/** Opens the store without any service: nothing is decided or written. */
async function fromStore(io: Io, dataDirectory: string, requestId: string): Promise<RouteDecided> {
  const directory = resolve(io.workingDirectory, dataDirectory);
  if (!existsSync(directory)) throw new CliError(`there is no store in ${dataDirectory}`);
  const home = await embeddedHome({ directory });
  try {
    const topic = (await home.broker.listTopics()).find(({ name }) => name === topics.routeDecided.name);
    if (!topic) throw new CliError(`the store in ${dataDirectory} has no decisions`);
    const { maxScannedRecords } = defaultGatewaySettings;
    const search = { broker: home.broker, topicPrefix: '', requestPathPartitions: topic.partitions, maxScannedRecords };
    const decision = await findDecision(search, requestId, null);
    if (!decision)
      throw new CliError(
        `no decision with id ${JSON.stringify(requestId)} among the newest records in ${join(dataDirectory)}`,
      );
    return decision;
  } finally {
    await home.close();
  }
}
