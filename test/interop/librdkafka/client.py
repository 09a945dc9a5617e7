"""The newest librdkafka, through confluent-kafka for Python."""

import asyncio

import confluent_kafka as ck
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

import scenarios
from interop import Record, main

SECONDS = 30
threaded = asyncio.to_thread


def record(message):
    return Record(
        message.value(), message.key(), tuple(message.headers() or ()), message.timestamp()[1],
        message.partition(), message.offset(),
    )


class Reader:
    def __init__(self, consumer, topic):
        self.consumer, self.topic = consumer, topic
        self.commits = asyncio.Queue()

    def at(self, partition, offset=ck.OFFSET_INVALID):
        return TopicPartition(self.topic, partition, offset)

    async def poll(self):
        messages = await threaded(self.consumer.consume, 500, 0.2)
        for m in messages:
            if m.error():
                raise ck.KafkaException(m.error())
        return [record(m) for m in messages]

    async def assignment(self):
        return {p.partition for p in self.consumer.assignment()}

    async def seek(self, partition, offset):
        await threaded(self.consumer.seek, self.at(partition, offset))

    async def seek_to_beginning(self, partition):
        await self.seek(partition, ck.OFFSET_BEGINNING)

    async def seek_to_end(self, partition):
        await self.seek(partition, ck.OFFSET_END)

    async def end(self, partition):
        return (await threaded(self.consumer.get_watermark_offsets, self.at(partition), SECONDS))[1]

    async def offset_at(self, partition, timestamp):
        found = await threaded(self.consumer.offsets_for_times, [self.at(partition, timestamp)], SECONDS)
        return found[0].offset if found[0].offset >= 0 else None

    async def commit(self, partition, offset):
        await threaded(lambda: self.consumer.commit(offsets=[self.at(partition, offset)], asynchronous=False))

    async def commit_in_background(self, partition, offset):
        self.consumer.commit(offsets=[self.at(partition, offset)], asynchronous=True)
        while self.commits.empty():  # the callback is called from poll
            await self.poll()
        error = self.commits.get_nowait()
        if error:
            raise ck.KafkaException(error)

    async def committed(self, partition):
        return (await threaded(self.consumer.committed, [self.at(partition)], SECONDS))[0].offset

    async def close(self):
        await threaded(self.consumer.close)


class Client:
    folder = "librdkafka"
    null_header = None
    name = f"librdkafka {ck.libversion()[0]} (confluent-kafka-python)"

    def __init__(self, address):
        self.common = {"bootstrap.servers": address}
        self.admin = AdminClient(self.common)

    async def start(self):
        pass

    async def close(self):
        pass

    async def produce(self, topic, records, acks="all", codec="none", idempotent=False):
        config = {"acks": acks, "compression.type": codec, "enable.idempotence": idempotent, "linger.ms": 1}
        await threaded(self._produce, {**self.common, **config}, topic, records)

    def _produce(self, config, topic, records):
        producer, errors = ck.Producer(config), []

        def delivered(error, _):
            if error:
                errors.append(error)

        for r in records:
            producer.produce(
                topic, r.value, r.key, partition=r.partition, headers=list(r.headers),
                timestamp=r.timestamp or 0, on_delivery=delivered,
            )
        if producer.flush(SECONDS) or errors:
            raise AssertionError(f"not delivered: {errors[:3]}")

    def _open(self, topic, config):
        reader = None

        def committed(error, _):
            reader.commits.put_nowait(error)

        defaults = {"heartbeat.interval.ms": 500, "session.timeout.ms": 10000, "enable.auto.commit": False}
        reader = Reader(ck.Consumer({**self.common, **defaults, "on_commit": committed, **config}), topic)
        return reader

    async def reader(self, topic, partition=0, group="unused"):
        reader = self._open(topic, {"group.id": group})
        reader.consumer.assign([reader.at(partition, ck.OFFSET_BEGINNING)])
        return reader

    async def member(self, group, topic, reset="earliest", auto_commit=False):
        reader = self._open(topic, {"group.id": group, "auto.offset.reset": reset, "enable.auto.commit": auto_commit})
        reader.consumer.subscribe([topic])
        return reader

    async def _done(self, futures):
        for future in futures.values():
            result = await asyncio.wrap_future(future)
        return result

    async def topics(self):
        return list((await threaded(lambda: self.admin.list_topics(timeout=SECONDS))).topics)

    async def partitions(self, topic):
        return len((await threaded(self.admin.list_topics, topic, SECONDS)).topics[topic].partitions)

    async def create_topic(self, topic, partitions, configs):
        await self._done(self.admin.create_topics([NewTopic(topic, partitions, 1, config=configs)]))

    async def add_partitions(self, topic, total):
        await self._done(self.admin.create_partitions([NewPartitions(topic, total)]))

    async def delete_topic(self, topic):
        await self._done(self.admin.delete_topics([topic]))

    async def configs(self, topic):
        entries = await self._done(self.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
        return {name: e.value for name, e in entries.items()}

    async def alter_config(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        await self._done(self.admin.incremental_alter_configs([resource]))

    async def groups(self):
        listed = await asyncio.wrap_future(self.admin.list_consumer_groups())
        if listed.errors:
            raise listed.errors[0]
        return [g.group_id for g in listed.valid]

    async def describe_group(self, group):
        found = await self._done(self.admin.describe_consumer_groups([group]))
        return found.state.name.capitalize(), len(found.members)


if __name__ == "__main__":
    main(Client, scenarios.FEATURES)
