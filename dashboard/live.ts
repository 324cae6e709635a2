/** Follows /v1/live over one connection for the whole page: it comes again when it breaks, and goes on where it was. */
import { useEffect, useState } from 'preact/hooks';
import { addressOf, headersWithKey, type Json } from './api';

/** Decisions that are kept, the newest ones. */
const maxDecisions = 10_000;
const maxOthers = 500;
const reconnectMs = 2_000;
/** The page is drawn again at most this often, however much happens. */
const drawMs = 250;

export interface LiveState {
  readonly isConnected: boolean;
  /** Whether what there was before has come. */
  readonly isCaughtUp: boolean;
  /** Newest last. */
  readonly decisions: readonly Json[];
  /** How many decisions have come, those that are not kept any more included. */
  readonly taken: number;
  /** Newest report of each decision. */
  readonly outcomes: ReadonlyMap<string, Json>;
  /** Changes of health and weights; newest last. */
  readonly others: readonly { readonly kind: string; readonly data: Json }[];
  /** Events that were too much to be told. */
  readonly missed: number;
}

const state = {
  isConnected: false,
  isCaughtUp: false,
  decisions: [] as Json[],
  taken: 0,
  outcomes: new Map<string, Json>(),
  others: [] as { kind: string; data: Json }[],
  missed: 0,
};
const listeners = new Set<() => void>();
let lastId = '';
let isRunning = false;
let isDrawing = false;

function changed(): void {
  if (isDrawing) return;
  isDrawing = true;
  setTimeout(() => {
    isDrawing = false;
    for (const listener of listeners) listener();
  }, drawMs);
}

function take(kind: string, id: string, data: Json): void {
  if (id !== '') lastId = id;
  if (kind === 'decision') {
    state.decisions.push(data);
    state.taken++;
    if (state.decisions.length > maxDecisions + 1_000) state.decisions = state.decisions.slice(-maxDecisions);
  } else if (kind === 'outcome') {
    state.outcomes.delete(data.decisionId);
    state.outcomes.set(data.decisionId, data);
    const oldest = state.outcomes.keys().next();
    if (state.outcomes.size > maxDecisions && !oldest.done) state.outcomes.delete(oldest.value);
  } else if (kind === 'missed') state.missed += data.count;
  else if (kind === 'caught-up') state.isCaughtUp = true;
  else {
    state.others.push({ kind, data });
    if (state.others.length > maxOthers) state.others.shift();
  }
  changed();
}

async function follow(): Promise<void> {
  const response = await fetch(addressOf('v1/live?last=300'), {
    headers: { ...headersWithKey(), accept: 'text/event-stream', ...(lastId !== '' && { 'last-event-id': lastId }) },
  });
  // A position of another log is no reason never to come again.
  if (response.status === 400) lastId = '';
  if (!response.ok || !response.body) throw new Error(`the gateway answered ${response.status}`);
  state.isConnected = true;
  changed();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      let kind = '';
      let id = '';
      let data = '';
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) kind = line.slice(7);
        else if (line.startsWith('id: ')) id = line.slice(4);
        else if (line.startsWith('data: ')) data = line.slice(6);
      }
      if (kind !== '' && data !== '') take(kind, id, JSON.parse(data));
    }
  }
}

async function run(): Promise<void> {
  for (;;) {
    try {
      await follow();
    } catch {
      // It is tried again below, and the page says that it is not connected.
    }
    state.isConnected = false;
    changed();
    await new Promise((resolve) => setTimeout(resolve, reconnectMs));
  }
}

/** Nothing is asked for until somebody wants it. */
export function useLive(isWanted = true): LiveState {
  const [, setRound] = useState(0);
  useEffect(() => {
    const listen = (): void => setRound((before) => before + 1);
    listeners.add(listen);
    if (isWanted && !isRunning) {
      isRunning = true;
      void run();
    }
    return () => {
      listeners.delete(listen);
    };
  }, [isWanted]);
  return state;
}
