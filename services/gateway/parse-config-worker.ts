/** The thread that parses one configuration: see parse-config-apart.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { parseConfig } from '../../lib/config/parse-config';

parentPort!.postMessage(parseConfig(workerData as string));
