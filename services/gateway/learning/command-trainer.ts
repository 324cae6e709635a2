/** Routes that have the trainer do something ask it in one way. */
import type { WeightsAnswer, WeightsCommand } from '../../../lib/topics/generated/messages';
import type { GatewayContext } from '../endpoint';
import { HttpError } from '../http/http-error';

/** Waits for the answer of the trainer, the one writer of weights. Throws `trainer_timeout`, or `refused` with its reason. */
export async function commandTrainer(
  { weights, createId, clock }: Pick<GatewayContext, 'weights' | 'createId' | 'clock'>,
  wish: Omit<WeightsCommand, 'commandId' | 'requestedAtMs'>,
): Promise<WeightsAnswer> {
  const answer = await weights.ask({ ...wish, commandId: createId(), requestedAtMs: clock.nowMs() });
  if (!answer)
    throw new HttpError(
      'trainer_timeout',
      'the trainer has not answered yet: it carries the command out when it can; look at GET /v1/weights',
    );
  if (answer.status === 'REFUSED') throw new HttpError('refused', answer.why);
  return answer;
}
