import type { FastifyReply } from 'fastify';

/** Marks the reply as JSON and returns the text. Fastify's own serialiser would look for a schema at every reply first. */
export function sendJson(reply: FastifyReply, value: unknown): string {
  reply.header('content-type', 'application/json; charset=utf-8');
  return JSON.stringify(value);
}
