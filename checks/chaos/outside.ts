/** Those outside the engine who want answers of models and those who give them: a process of their own, whatever becomes of the rest. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Clock } from '../../lib/ports/clock';
import type { DoorCall } from './door-calls';

export type OutsideOrder =
  | { readonly kind: 'gateways'; readonly urls: readonly (string | null)[] }
  | { readonly kind: 'start' }
  | { readonly kind: 'disturb' }
  /** No more calls; `answered` comes when all that were made are through. */
  | { readonly kind: 'end' };
export type OutsideAnswer =
  | { readonly kind: 'listens'; readonly url: string }
  | { readonly kind: 'answered'; readonly made: readonly DoorCall[]; readonly misbehaved: number };

export interface Outside {
  /** Base URL of the upstream, as of a provider. */
  readonly url: string;
  /** Begins to call the gateways, wherever they are at each moment; null where one is gone. */
  start(gateways: () => readonly (string | null)[]): void;
  /** From here on things are broken. */
  disturb(): void;
  /** Makes no more calls; resolves when every one has its answer or was given up. */
  end(): Promise<Extract<OutsideAnswer, { kind: 'answered' }>>;
  close(): void;
}

export interface OutsideOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly scenario: string;
  /** Calls at the door. */
  readonly ratePerSecond: number;
}

/** How often it is looked whether a gateway has moved. */
const lookEveryMs = 20;

export async function startOutside({ clock, seed, scenario, ratePerSecond }: OutsideOptions): Promise<Outside> {
  const child = fork(join(__dirname, `../door-callers${__filename.slice(-3)}`), [
    ...[String(seed), scenario, String(ratePerSecond)],
  ]);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const { url } = await told(child, 'listens');
  let cancel = (): void => {};
  const send = (order: OutsideOrder): void => void child.send(order);
  return {
    url,
    start(gateways) {
      let last = '';
      const look = (): void => {
        const urls = gateways();
        const now = JSON.stringify(urls);
        if (now !== last) send({ kind: 'gateways', urls });
        last = now;
        cancel = clock.setTimer(lookEveryMs, look);
      };
      look();
      send({ kind: 'start' });
    },
    disturb() {
      send({ kind: 'disturb' });
    },
    end() {
      const answered = told(child, 'answered');
      send({ kind: 'end' });
      return answered;
    },
    close() {
      cancel();
      process.removeListener('exit', kill);
      kill();
    },
  };
}

/** Rejects where the process has ended before it could say so. */
async function told<K extends OutsideAnswer['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<OutsideAnswer, { kind: K }>> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the callers of the door ended with ${code}`);
  });
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [OutsideAnswer];
  if (answer.kind !== kind) throw new Error(`the callers of the door said ${answer.kind}, not ${kind}`);
  return answer as Extract<OutsideAnswer, { kind: K }>;
}
