"""kafka-python, which is pure Python."""

import asyncio

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

import scenarios
from interop import Record, main

SECONDS = 30
# A poll that ends between the answers to JoinGroup and SyncGroup loses the assignment (seen with 3.0.12, whatever the
# broker): the members of a group poll long, so that this hardly ever happens. A poll ends early when there are records.
POLL, MEMBER_POLL = 200, 3000
threaded = asyncio.to_thread


def record(r):
    return Record(r.value, r.key, tuple(r.headers), r.timestamp, r.partition, r.offset)


class Reader:
    """A consumer; it may be used by one thread at a time, and each call here is awaited."""

    def __init__(self, consumer, topic):
        self.consumer, self.topic, self.wait = consumer, topic, POLL

    def at(self, partition):
        return TopicPartition(self.topic, partition)

    async def poll(self):
        batches = await threaded(self.consumer.poll, self.wait)
        return [record(r) for batch in batches.values() for r in batch]

    async def assignment(self):
        return {p.partition for p in self.consumer.assignment()}

    async def seek(self, partition, offset):
        self.consumer.seek(self.at(partition), offset)

    async def seek_to_beginning(self, partition):
        self.consumer.seek_to_beginning(self.at(partition))

    async def seek_to_end(self, partition):
        self.consumer.seek_to_end(self.at(partition))

    async def end(self, partition):
        return (await threaded(self.consumer.end_offsets, [self.at(partition)]))[self.at(partition)]

    async def offset_at(self, partition, timestamp):
        found = await threaded(self.consumer.offsets_for_times, {self.at(partition): timestamp})
        return found[self.at(partition)] and found[self.at(partition)].offset

    async def commit(self, partition, offset):
        await threaded(self.consumer.commit, {self.at(partition): OffsetAndMetadata(offset)})

    async def commit_in_background(self, partition, offset):
        answers = []
        self.consumer.commit_async({self.at(partition): OffsetAndMetadata(offset)}, lambda *a: answers.append(a))
        while not answers:
            await self.poll()
        if isinstance(answers[0][1], Exception):
            raise answers[0][1]

    async def committed(self, partition):
        return await threaded(self.consumer.committed, self.at(partition))

    async def close(self):
        await threaded(self.consumer.close)


class Client:
    folder = "kafka-python"
    null_header = b""  # it takes no null
    name = f"kafka-python {kafka.__version__}"

    def __init__(self, address):
        self.address = address
        self.turn = asyncio.Lock()  # one request of the admin client at a time

    async def start(self):
        self.admin = await threaded(lambda: KafkaAdminClient(bootstrap_servers=self.address))

    async def close(self):
        await threaded(self.admin.close)

    async def produce(self, topic, records, acks="all", codec="none", idempotent=False):
        await threaded(self._produce, topic, records, acks, None if codec == "none" else codec, idempotent)

    def _produce(self, topic, records, acks, codec, idempotent):
        producer = KafkaProducer(
            bootstrap_servers=self.address, acks=acks, compression_type=codec, enable_idempotence=idempotent,
        )
        sent = [
            producer.send(topic, r.value, r.key, list(r.headers), r.partition, r.timestamp) for r in records
        ]
        producer.flush(SECONDS)
        for future in sent:
            future.get(SECONDS)
        producer.close()

    async def _open(self, topic, **config):
        defaults = {"heartbeat_interval_ms": 500, "session_timeout_ms": 10000, "enable_auto_commit": False}
        consumer = await threaded(lambda: KafkaConsumer(bootstrap_servers=self.address, **{**defaults, **config}))
        return Reader(consumer, topic)

    async def reader(self, topic, partition=0, group=None):
        reader = await self._open(topic, group_id=group, auto_offset_reset="earliest")
        reader.consumer.assign([reader.at(partition)])
        return reader

    async def member(self, group, topic, reset="earliest", auto_commit=False):
        reader = await self._open(topic, group_id=group, auto_offset_reset=reset, enable_auto_commit=auto_commit)
        reader.wait = MEMBER_POLL
        reader.consumer.subscribe([topic])
        return reader

    async def _ask(self, call, *args, **fields):
        async with self.turn:
            return await threaded(lambda: call(*args, **fields))

    async def topics(self):
        return await self._ask(self.admin.list_topics)

    async def partitions(self, topic):
        return len((await self._ask(self.admin.describe_topics, [topic]))[0]["partitions"])

    async def create_topic(self, topic, partitions, configs):
        options = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        await self._ask(self.admin.create_topics, {topic: options}, wait_for_metadata=True)

    async def add_partitions(self, topic, total):
        await self._ask(self.admin.create_partitions, {topic: total})

    async def delete_topic(self, topic):
        await self._ask(self.admin.delete_topics, [topic])

    async def configs(self, topic):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        described = await self._ask(self.admin.describe_configs, [resource], config_filter="all")
        return {name: entry["value"] for name, entry in described["topic"][topic].items()}

    async def alter_config(self, topic, name, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})
        results = await self._ask(self.admin.alter_configs, [resource])
        if results["topic"][topic] != "OK":
            raise AssertionError(results["topic"][topic])

    async def groups(self):
        return [g["group_id"] for g in await self._ask(self.admin.list_groups)]

    async def describe_group(self, group):
        found = (await self._ask(self.admin.describe_groups, [group]))[group]
        return found["group_state"], len(found["members"])


if __name__ == "__main__":
    main(Client, scenarios.FEATURES)
