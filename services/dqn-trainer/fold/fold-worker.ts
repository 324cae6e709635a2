/** The worker thread's side: one fold, one request at a time, in the order they come. */
import { parentPort } from 'node:worker_threads';
import { niceThread } from '../../give-way';
import { withTrial } from '../with-trial';
import type { TrainerFold } from './fold';
import { startFoldInline } from './fold-inline';
import { type FoldReply, type FoldRequest, revivedTrial, unpackBatch } from './fold-messages';

niceThread();

let fold: TrainerFold | null = null;
let queue: Promise<void> = Promise.resolve();

async function answer(request: FoldRequest): Promise<unknown> {
  if (request.kind === 'start') {
    const { settings, saved } = request;
    fold = withTrial(await startFoldInline(settings, saved && Buffer.from(saved)), settings);
    return { eventOffset: fold.eventOffset, replayFromOffset: fold.replayFromOffset };
  }
  if (!fold) throw new Error(`${request.kind} came before start`);
  switch (request.kind) {
    case 'reload':
      return fold.reload(unpackBatch(request.batch));
    case 'apply': {
      const startedMs = performance.now();
      const tried = await fold.apply(unpackBatch(request.batch));
      return { ...tried, threadMs: performance.now() - startedMs };
    }
    case 'tryCandidate':
      return fold.tryCandidate(revivedTrial(request.setup));
    case 'addEvidence':
      return fold.addEvidence(unpackBatch(request.batch));
    case 'judge':
      return fold.judge();
    case 'checkpoint':
      return fold.checkpoint();
  }
}

parentPort?.on('message', ({ id, request }: { id: number; request: FoldRequest }) => {
  queue = queue.then(async () => {
    let reply: FoldReply;
    try {
      reply = { id, value: await answer(request) };
    } catch (error) {
      const { message, stack } = error as Error;
      reply = { id, error: { message, stack } };
    }
    parentPort?.postMessage(reply);
  });
});
