/** The thread that parses or checks configurations, one after the other: see parse-config-apart.ts. */
import { parentPort } from 'node:worker_threads';
import { parseConfig } from '../../../lib/config/parse-config';
import { checkPlainConfig } from './check-plain-config';
import type { ConfigSource } from './parse-config-apart';

parentPort!.on('message', (source: ConfigSource) => {
  // From here on time is the text's: what came before was the start of the thread.
  parentPort!.postMessage('started');
  parentPort!.postMessage({
    parsed: source.kind === 'yaml' ? parseConfig(source.text) : checkPlainConfig(source.value),
  });
});
