/**
 * Asks the router over Kafka which model to use, calls it, and tells what came of it.
 *
 *     KAFKA_BROKERS=127.0.0.1:9092 TOPIC_PREFIX= npx tsx examples/typescript/ask-router.ts "Write a haiku about Kafka."
 */
import { connectRouterClient } from '../../lib/client/connect-router-client';

async function main(prompt: string): Promise<void> {
  const router = await connectRouterClient({
    kafka: { brokers: (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',') },
    topicPrefix: process.env['TOPIC_PREFIX'] ?? '',
  });
  const decision = await router.route({ prompt, limits: { maxLatencyMs: 20_000 } }, { timeoutMs: 10_000 });
  console.log(`${decision.model}: ${decision.reasoning}`);
  // The decided model did not answer, its first fallback did: every attempt is told, each with what is known of it.
  await router.report(decision, { status: 'TIMEOUT', latencyMs: 20_000 });
  const [fallback] = decision.fallbacks;
  if (fallback) {
    await router.report(decision, {
      model: fallback.model,
      status: 'SUCCESS',
      latencyMs: 900,
      costUsd: 0.002,
      quality: 0.9,
    });
  }
  await router.close();
}

void main(process.argv[2] ?? 'Write a haiku about Kafka.');
