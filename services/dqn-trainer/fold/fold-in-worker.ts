/** A fold in a worker thread, so that training never stands in the way of routing. Whatever ends the thread fails what waits for it. */
import { SHARE_ENV } from 'node:worker_threads';
import { startThread } from '../../../lib/start-thread';
import type { TrialVerdict } from '../trial';
import type { FoldCheckpoint, TrainerFold, Tried } from './fold';
import {
  type FoldReply,
  type FoldRequest,
  packBatch,
  revivedCheckpoint,
  revivedFolded,
  type Started,
} from './fold-messages';
import type { FoldBatch, FoldSettings } from './fold-settings';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export async function startFoldInWorker(settings: FoldSettings, saved: Buffer | null): Promise<TrainerFold> {
  const thread = startFoldThread();
  try {
    const started = (await thread.ask({ kind: 'start', settings, saved })) as Started;
    return {
      ...started,
      async reload(batch) {
        await thread.ask(...packed('reload', batch));
      },
      apply: async (batch) => revivedFolded((await thread.ask(...packed('apply', batch))) as Tried),
      async tryCandidate(setup) {
        await thread.ask({ kind: 'tryCandidate', setup });
      },
      async addEvidence(batch) {
        await thread.ask(...packed('addEvidence', batch));
      },
      judge: async () => (await thread.ask({ kind: 'judge' })) as TrialVerdict | null,
      checkpoint: async () => revivedCheckpoint((await thread.ask({ kind: 'checkpoint' })) as FoldCheckpoint),
      close: () => thread.end(),
    };
  } catch (error) {
    await thread.end();
    throw error;
  }
}

function packed(kind: 'reload' | 'apply' | 'addEvidence', batch: FoldBatch): [FoldRequest, ArrayBuffer[]] {
  const pack = packBatch(batch);
  return [{ kind, batch: pack }, [pack.bytes.buffer as ArrayBuffer]];
}

function startFoldThread() {
  // Native TensorFlow reads the process's environment, not the copy of it that a thread would get.
  const worker = startThread(__dirname, 'fold-worker', { env: SHARE_ENV });
  // Whoever waits for an answer keeps the process alive, an idle thread does not.
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let ended: Error | null = null;

  const fail = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on('message', ({ id, value, error }: FoldReply) => {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error) asked.reject(Object.assign(new Error(error.message), { stack: error.stack }));
    else asked.resolve(value);
  });
  worker.on('error', (error: Error) =>
    fail(new Error(`the training thread failed: ${error.message}`, { cause: error })),
  );
  worker.on('exit', (code) => fail(new Error(`the training thread ended with code ${code}`)));

  return {
    ask(request: FoldRequest, transfer: ArrayBuffer[] = []): Promise<unknown> {
      return new Promise((resolve, reject) => {
        if (ended) {
          reject(ended);
          return;
        }
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, request }, transfer);
      });
    },
    async end(): Promise<void> {
      await worker.terminate();
    },
  };
}
