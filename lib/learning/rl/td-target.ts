/**
 * What a value should have been: the reward, and what comes next. Double DQN (van Hasselt, Guez and Silver 2016): the
 * online network chooses the next action, the target network says what it is worth, so that one network's lucky error
 * does not confirm itself.
 */
import type { NetworkShape } from './network';
import type { Transition } from './transition';

/** Values of some next states from both networks, rows x (actions x heads) each. */
export interface NextValues {
  readonly online: Float32Array;
  readonly target: Float32Array;
}

type Outputs = Pick<NetworkShape, 'actions' | 'heads'>;

/** The action one head prefers among those allowed in `row`; -1 when there is none. The first one wins a tie. */
export function preferredAction(
  values: Float32Array,
  { actions, heads }: Outputs,
  row: number,
  head: number,
  allowed: Uint8Array | null,
): number {
  const start = row * actions * heads + head;
  let best = -1;
  for (let action = 0; action < actions; action++) {
    if (allowed?.[action] === 0) continue;
    if (best < 0 || values[start + action * heads]! > values[start + best * heads]!) best = action;
  }
  return best;
}

/** The target of one head. Without a next state, discount or possible action it is the reward alone. */
export function tdTarget(
  transition: Pick<Transition, 'reward' | 'discount' | 'nextAllowed'>,
  head: number,
  next: NextValues | null,
  outputs: Outputs,
  row = 0,
): number {
  const { reward, discount, nextAllowed } = transition;
  if (next === null || discount === 0) return reward;
  const action = preferredAction(next.online, outputs, row, head, nextAllowed);
  if (action < 0) return reward;
  return reward + discount * next.target[(row * outputs.actions + action) * outputs.heads + head]!;
}
