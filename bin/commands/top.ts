import type { Command } from 'commander';
import { pause } from '../../lib/ports/clock';
import { createPaint } from '../../lib/terminal/paint';
import { wantsColour } from '../../lib/terminal/wants-colour';
import {
  followLive,
  type LiveData,
  type Overview,
  readOverview,
  readWorth,
  type Worth,
} from '../drive/gateway-overview';
import { formatTop, type TopState } from '../format-top';
import { type GatewayAddress, gatewayAt } from '../gateway-client';
import { CliError, type Io, type Screen } from '../io';
import { defaultGatewayUrl, gatewayUrl, wholeNumber } from '../read-options';

interface TopOptions {
  readonly url: string;
  readonly interval: number;
}

/** Judging other policies takes the gateway a thread for some hundred milliseconds. */
const judgeEveryMs = 60_000;
const drawEveryMs = 500;
/** Decisions per second are those of the last so many seconds. */
const rateOverMs = 5_000;
const keptDecisions = 200;

export function addTop(program: Command, io: Io): void {
  program
    .command('top')
    .description('Show live what a running engine does: decisions, models, what it is worth. q leaves.')
    .option('--url <url>', 'a running gateway', gatewayUrl, defaultGatewayUrl)
    .option('--interval <seconds>', 'how often figures are asked for', wholeNumber(1, 3_600), 2)
    .addHelpText(
      'after',
      '\nWithout a terminal it shows how things stand, once, and ends. A gateway that asks for a key takes that of a viewer,\nfrom QUANTUM_ROUTER_KEY. NO_COLOR is respected.\n\nExamples:\n  $ quantum-router top\n  $ quantum-router top --url https://router.example.org --interval 10\n  $ quantum-router top | head -8',
    )
    .action((options: TopOptions) => top(io, options));
}

async function top(io: Io, { url, interval }: TopOptions): Promise<void> {
  const gateway = gatewayAt(io, url);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, io.stopSignal]);
  const overview = await lookOnce(gateway, signal);
  const view = createView(io, gateway, overview);
  if (!io.openScreen) {
    // The first question about other policies takes the longest, and is worth the wait: nobody looks twice.
    view.worth = await readWorth(gateway, signal).catch(() => null);
    const lines = formatTop(
      view.state(false),
      { columns: io.stdout.columns, rows: Number.POSITIVE_INFINITY },
      createPaint(false),
    );
    io.stdout.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
    return;
  }
  const paint = createPaint(wantsColour(io.stdout, io.environment));
  let screen: Screen | null = null;
  const draw = (): void => screen?.draw(formatTop(view.state(true), screen, paint));
  screen = io.openScreen({ onQuit: () => stop.abort(), onResize: draw });
  try {
    draw();
    const every = (ms: number, work: () => Promise<void> | void) => repeat(io, ms, signal, work);
    const judged = async (): Promise<void> => {
      // Where it cannot be told, or not now, what was known before stands.
      view.worth = await readWorth(gateway, signal).catch(() => view.worth);
    };
    await Promise.all([
      every(drawEveryMs, draw),
      every(interval * 1_000, () => view.look(signal)),
      every(judgeEveryMs, judged),
      followLive(gateway, view.live, { clock: io.clock, last: keptDecisions / 2, signal }),
    ]);
  } finally {
    screen.close();
  }
}

/** Does the work, and again so long after it has been done, until the signal. */
async function repeat(io: Io, ms: number, signal: AbortSignal, work: () => Promise<void> | void): Promise<void> {
  while (!signal.aborted) {
    await work();
    await pause(io.clock, ms, signal);
  }
}

async function lookOnce(gateway: GatewayAddress, signal: AbortSignal): Promise<Overview> {
  try {
    return await readOverview(gateway, signal);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${gateway.url} does not answer as a gateway of this version does`);
  }
}

function createView(io: Io, gateway: GatewayAddress, first: Overview) {
  let overview = first;
  let trouble: string | null = null;
  let isConnected = false;
  let isCaughtUp = false;
  let missed = 0;
  const decisions: LiveData[] = [];
  const outcomes = new Map<string, LiveData>();
  const seenAtMs: number[] = [];

  const onEvent = (kind: string, data: LiveData): void => {
    if (kind === 'caught-up') isCaughtUp = true;
    else if (kind === 'missed') missed += Number(data['count']) || 0;
    else if (kind === 'decision') {
      decisions.unshift(data);
      decisions.length = Math.min(decisions.length, keptDecisions);
      // What was before is no speed of now.
      if (isCaughtUp) seenAtMs.push(io.clock.monotonicMs());
    } else if (kind === 'outcome') {
      outcomes.set(String(data['decisionId']), data);
      const oldest = outcomes.keys().next();
      if (outcomes.size > 2 * keptDecisions && !oldest.done) outcomes.delete(oldest.value);
    }
  };
  const decisionsPerSecond = (): number => {
    const sinceMs = io.clock.monotonicMs() - rateOverMs;
    const first = seenAtMs.findIndex((atMs) => atMs >= sinceMs);
    seenAtMs.splice(0, first < 0 ? seenAtMs.length : first);
    return (1_000 * seenAtMs.length) / rateOverMs;
  };
  const connection = (): string => (isCaughtUp ? 'live' : isConnected ? 'catching up …' : 'connecting …');
  return {
    worth: null as Worth | null,
    live: {
      onConnected(now: boolean) {
        isConnected = now;
        if (!now) isCaughtUp = false;
      },
      onEvent,
    },
    async look(signal: AbortSignal): Promise<void> {
      try {
        overview = await lookOnce(gateway, signal);
        trouble = null;
      } catch (error) {
        trouble = (error as Error).message;
      }
    },
    state(isLive: boolean): TopState {
      const live = { connection: connection(), decisionsPerSecond: decisionsPerSecond(), decisions, outcomes, missed };
      return {
        url: gateway.url,
        overview,
        worth: this.worth,
        live: isLive ? live : null,
        trouble,
        nowMs: io.clock.nowMs(),
      };
    },
  };
}
