import type { FastifyReply, FastifyRequest } from 'fastify';
import { Ending } from '../../../lib/providers/ending';
import type { GatewaySettings } from '../config';

/**
 * Gives the connection as long as a call may take: answers take longer than everything else here, and the time-outs of the call see
 * to it that it ends. What comes back is aborted when the connection closes before the answer is through.
 */
export function awaitAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  { callTimeoutMs, slowReaderMs, idleTimeoutMs }: GatewaySettings,
): Ending {
  const { socket } = request.raw;
  socket.setTimeout(callTimeoutMs + slowReaderMs);
  const gone = new Ending();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
    else socket.setTimeout(idleTimeoutMs);
  });
  return gone;
}
