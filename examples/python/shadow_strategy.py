"""A strategy of your own that judges live traffic without influence: pip install confluent-kafka fastavro

    KAFKA_BROKERS=127.0.0.1:9092 TOPIC_PREFIX= python examples/python/shadow_strategy.py --group python-cheapest

It reads `route.opened`, where everything that a strategy may look at is pinned, and writes what it thinks to `strategy.scored`
under a group of its own. Nobody waits for it and no decision changes: what it would have been worth is said by
GET /v1/shadows, once the configuration names the group (docs/clients.md). Needs router_client.py beside it.
"""
import argparse
import os
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from router_client import Schemas, raise_if_failed


def judge(opened):
    """Probabilities, utilities and qualities of the candidates, in their order. This one takes the cheapest that may serve."""
    candidates = opened["candidates"]
    if not candidates:  # They are columns, which the engine alone knows, unless somebody else is to read them, too.
        raise LookupError("no candidates: does `shadows` of the configuration name this group?")
    cheapest = min((c["expectedCostUsd"] for c in candidates if c["eligible"]), default=None)
    chosen = [c["eligible"] and c["expectedCostUsd"] == cheapest for c in candidates]
    probabilities = [1 / sum(chosen) if is_chosen else 0.0 for is_chosen in chosen]
    return probabilities, [-c["expectedCostUsd"] for c in candidates], [c["expectedQuality"] for c in candidates]


class Shadow:
    """Judges every request from now on. `kafka`: further librdkafka settings (TLS, SASL …)."""

    def __init__(self, brokers, prefix, group, **kafka):
        self.prefix, self.group = prefix, group
        kafka = {"bootstrap.servers": brokers, **kafka}
        self.producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 5})
        reading = {**kafka, "group.id": group, "enable.auto.commit": False}
        self.consumer, topic = Consumer(reading), prefix + "route.opened"
        every = [TopicPartition(topic, p) for p in self.consumer.list_topics(topic, 10).topics[topic].partitions]
        if not every:
            raise LookupError(f"there is no topic {topic} on {brokers}: has the engine been started?")
        self.schemas = Schemas(reading, prefix + "schemas")
        for one in every:
            one.offset = self.consumer.get_watermark_offsets(one, 10)[1]
        self.consumer.assign(every)

    def judge_next(self, timeout_s):
        """Judges the next request and returns its id; None when none came in time."""
        message = self.consumer.poll(timeout_s)
        if message is None:
            return None
        if message.error():
            raise KafkaException(message.error())
        opened, started = self.schemas.decode(message.value()), time.perf_counter()
        try:
            probabilities, utilities, qualities = judge(opened)
            judged = {"status": "SUCCESS", "probabilities": probabilities, "utilities": utilities, "qualities": qualities}
        except Exception as error:  # A request that it cannot judge is one without its judgement, and it goes on.
            judged = {"status": "FAILED", "probabilities": [], "utilities": [], "qualities": [], "error": repr(error)[:200]}
        took_ms = 1_000 * (time.perf_counter() - started)
        thread = {"strategy": self.group, "confidence": 1.0, "durationMs": took_ms, **judged}
        now = time.time_ns() // 1_000_000
        scored = {key: opened[key] for key in ("requestId", "routingKey")}
        record = self.schemas.encode("StrategyScored", {**scored, "group": self.group, "threads": [thread], "scoredAtMs": now})
        # Beside its request: the same partition, whatever hash chose it.
        where = {"partition": message.partition(), "on_delivery": raise_if_failed}
        self.producer.produce(self.prefix + "strategy.scored", record, opened["routingKey"], **where)
        self.producer.poll(0)
        return opened["requestId"]

    def close(self):
        """Resolves once everything written is durable."""
        if self.producer.flush(30) > 0:
            raise TimeoutError("Kafka did not take all records within 30 s")
        self.consumer.close()
        self.schemas.consumer.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--group", required=True, help="as `shadows` of the configuration names it")
    options.add_argument("--requests", type=int, help="end after so many; by default never")
    given = options.parse_args()
    shadow = Shadow(os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"), os.environ.get("TOPIC_PREFIX", ""), given.group)
    print("judging", flush=True)
    judged = 0
    while given.requests is None or judged < given.requests:
        if shadow.judge_next(1) is not None:
            judged += 1
    shadow.close()
    print(f"{judged} requests judged")


if __name__ == "__main__":
    main()
