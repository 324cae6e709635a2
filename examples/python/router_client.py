"""Asks Quantum Router which model to use, over Kafka alone: pip install confluent-kafka fastavro

    KAFKA_BROKERS=127.0.0.1:9092 TOPIC_PREFIX= python examples/python/router_client.py --requests 20

The contract is in docs/clients.md. Nothing of the project is needed but this file: the engine publishes its schemas in a topic.
"""
import argparse
import io
import json
import os
import random
import struct
import sys
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from fastavro import parse_schema, schemaless_reader, schemaless_writer


class Schemas:
    """Confluent framing (byte 0, schema id as big-endian int32, Avro), with the schemas of the compacted topic `schemas`."""

    FIELDS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "json", "type": "string"}]
    SCHEMA_VERSION = parse_schema({"type": "record", "name": "SchemaVersion", "fields": FIELDS})
    FIRST_FOREIGN_ID = 1_000_000  # From here on others publish schemas of their own: good to read with, not to write with.

    def __init__(self, consumer_settings, topic):
        self.by_id, self.name_of, self.id_of = {}, {}, {}
        self.consumer = Consumer({**consumer_settings, "enable.partition.eof": True})
        self.place, self.position = TopicPartition(topic, 0, OFFSET_BEGINNING), 0
        self.consumer.assign([self.place])
        self.catch_up()

    def catch_up(self):
        _, end = self.consumer.get_watermark_offsets(self.place, timeout=10)
        while self.position < end and (message := self.consumer.poll(10)) is not None:
            if message.error() and message.error().code() == KafkaError._PARTITION_EOF:
                self.position = message.offset()
                continue
            if message.error():
                raise KafkaException(message.error())
            self.position = message.offset() + 1
            if message.value() is None:
                self.take_back(message.key())
                continue
            try:
                version = schemaless_reader(io.BytesIO(message.value()[5:]), self.SCHEMA_VERSION)
                schema = parse_schema(json.loads(version["json"]))
            except Exception as error:  # Whatever others put there: it is not a schema that anybody writes with.
                print(f"a record of {message.topic()} cannot be read: {error!r}", file=sys.stderr)
                continue
            self.by_id[version["id"]], self.name_of[version["id"]] = schema, version["name"]
            self.find_newest()

    def take_back(self, key):
        """A record without a value: what its id meant before is not to be written with any more."""
        if key and key.isdigit():
            self.by_id.pop(int(key), None)
            self.name_of.pop(int(key), None)
            self.find_newest()

    def find_newest(self):
        """Which schema each message is written with."""
        self.id_of = {name: id for id, name in sorted(self.name_of.items()) if id < self.FIRST_FOREIGN_ID}

    def encode(self, name, record):
        """Fields that are left out take the defaults of the schema."""
        return self.encode_with(self.id_of[name], record)

    def encode_with(self, schema_id, record):
        out = io.BytesIO()
        schemaless_writer(out, self.by_id[schema_id], record)
        return struct.pack(">bi", 0, schema_id) + out.getvalue()

    def decode(self, value):
        magic, schema_id = struct.unpack(">bi", value[:5])
        if magic != 0:
            raise ValueError(f"first byte is {magic}, not the Confluent magic byte 0")
        if schema_id not in self.by_id:  # The engine was upgraded after we started.
            self.catch_up()
        return schemaless_reader(io.BytesIO(value[5:]), self.by_id[schema_id])


class RouterClient:
    """Produces requests, yields the decision of each, reports outcomes. `kafka`: further librdkafka settings (TLS, SASL …)."""

    def __init__(self, brokers, prefix="", partitioner="consistent_random", **kafka):
        self.name = f"python-{uuid.uuid4()}"  # Other clients' decisions are dropped by it, undecoded.
        self.prefix, self.waiting = prefix, set()
        kafka = {"bootstrap.servers": brokers, **kafka}
        # librdkafka's own partitioner is welcome: the engine forwards what lies on another partition than murmur2 would
        # choose. `murmur2_random` (the hash of Java clients) saves that hop.
        self.producer = Producer({**kafka, "partitioner": partitioner, "enable.idempotence": True, "linger.ms": 5})
        # Every client reads all decisions from now on, so there is no group to join and nothing to commit.
        reading = {**kafka, "group.id": self.name, "enable.auto.commit": False}
        self.consumer, topic = Consumer(reading), prefix + "route.decided"
        every = [TopicPartition(topic, p) for p in self.consumer.list_topics(topic, 10).topics[topic].partitions]
        if not every:
            raise LookupError(f"there is no topic {topic} on {brokers}: has the engine been started?")
        self.schemas = Schemas(reading, prefix + "schemas")
        for one in every:  # Positioned before the first request, so that no decision is missed.
            one.offset = self.consumer.get_watermark_offsets(one, 10)[1]
        self.consumer.assign(every)

    def request(self, prompt, **fields):
        """Sends one request and returns its id. The same `requestId` may be sent again: it is decided once."""
        now = time.time_ns() // 1_000_000
        record = {"requestId": str(uuid.uuid4()), "prompt": prompt, "limits": {}, "requestedAtMs": now, **fields}
        self.waiting.add(record["requestId"])
        record["replyTo"] = self.name
        self._send("route.requested", record.get("sessionId") or record["requestId"], "RouteRequested", record)
        return record["requestId"]

    def decisions(self, timeout_s):
        """Yields (decision, message) of each waiting request, the first record of each; ends when none came for `timeout_s`."""
        while self.waiting and (message := self.consumer.poll(timeout_s)) is not None:
            if message.error():
                raise KafkaException(message.error())
            if ("reply-to", self.name.encode()) not in (message.headers() or []):
                continue
            try:
                decision = self.schemas.decode(message.value())
            except Exception as error:  # Nothing that the engine wrote: whoever waits for others goes on waiting for them.
                print(f"a record of {message.topic()} cannot be read: {error!r}", file=sys.stderr)
                continue
            if decision["requestId"] in self.waiting:  # Any later record of the same request is a duplicate.
                self.waiting.remove(decision["requestId"])
                yield decision, message

    def report(self, decision, **outcome):
        """Tells what came of the decided model (or of a fallback: then with `model` and `attempt` of its own)."""
        echoed = {key: decision[key] for key in ("decisionId", "routingKey", "model")}
        record = {**echoed, "attempt": 1, "occurredAtMs": time.time_ns() // 1_000_000, **outcome}
        self._send("route.outcome", record["routingKey"], "RouteOutcome", record)

    def close(self):
        """Resolves once everything sent is durable."""
        if self.producer.flush(30) > 0:
            raise TimeoutError("Kafka did not take all records within 30 s")
        self.consumer.close()
        self.schemas.consumer.close()

    def _send(self, topic, key, schema, record):
        self.producer.produce(self.prefix + topic, self.schemas.encode(schema, record), key, on_delivery=raise_if_failed)
        self.producer.poll(0)


def raise_if_failed(error, _message):
    if error:
        raise KafkaException(error)


def call_model(model, chance=random.Random(1)):
    """Stands in for the call of a real model and for whoever judges its answer."""
    return {"status": "SUCCESS", "latencyMs": chance.uniform(200, 900), "costUsd": 0.001, "quality": chance.random()}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=20)
    options.add_argument("--partitioner", default="consistent_random", help="murmur2_random saves a hop")
    options.add_argument("--timeout", type=float, default=10, help="seconds without a decision after which to give up")
    given = options.parse_args()
    brokers, prefix = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"), os.environ.get("TOPIC_PREFIX", "")
    client = RouterClient(brokers, prefix, given.partitioner)
    for i in range(given.requests):  # Every third request belongs to one of ten conversations.
        session = f"{client.name}/{i % 10}" if i % 3 == 0 else None
        client.request(f"Summarise paragraph {i} in one sentence.", sessionId=session)
    for decision, message in client.decisions(given.timeout):
        outcome = call_model(decision["model"])
        client.report(decision, **outcome, source="example")
        shown = {key: decision[key] for key in ("requestId", "sessionId", "model", "propensity")}
        print(json.dumps({**shown, "partition": message.partition(), "offset": message.offset()}))
    client.close()
    if client.waiting:
        raise SystemExit(f"{len(client.waiting)} requests were not decided within {given.timeout} s")


if __name__ == "__main__":
    main()
