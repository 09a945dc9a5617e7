"""aiokafka, the asyncio client."""

import asyncio

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

import scenarios
from interop import Record, main, until


def record(r):
    return Record(r.value, r.key, tuple(r.headers), r.timestamp, r.partition, r.offset)


def check(code, message=""):
    """Raises the error of a code in an answer; the admin client leaves that to its user."""
    if code:
        raise for_code(code)(message)


class Reader:
    def __init__(self, consumer, topic):
        self.consumer, self.topic = consumer, topic

    def at(self, partition):
        return TopicPartition(self.topic, partition)

    async def poll(self):
        batches = await self.consumer.getmany(timeout_ms=200)
        return [record(r) for batch in batches.values() for r in batch]

    async def assignment(self):
        return {p.partition for p in self.consumer.assignment()}

    async def seek(self, partition, offset):
        self.consumer.seek(self.at(partition), offset)

    async def seek_to_beginning(self, partition):
        await self.consumer.seek_to_beginning(self.at(partition))

    async def seek_to_end(self, partition):
        await self.consumer.seek_to_end(self.at(partition))

    async def end(self, partition):
        return (await self.consumer.end_offsets([self.at(partition)]))[self.at(partition)]

    async def offset_at(self, partition, timestamp):
        found = (await self.consumer.offsets_for_times({self.at(partition): timestamp}))[self.at(partition)]
        return found and found.offset

    async def commit(self, partition, offset):
        await self.consumer.commit({self.at(partition): offset})

    async def commit_in_background(self, partition, offset):
        committing = asyncio.create_task(self.consumer.commit({self.at(partition): offset}))
        while not committing.done():
            await self.poll()
        await committing

    async def committed(self, partition):
        return await self.consumer.committed(self.at(partition))

    async def close(self):
        await self.consumer.stop()


class Client:
    folder = "aiokafka"
    null_header = None
    name = f"aiokafka {aiokafka.__version__}"

    def __init__(self, address):
        self.address = address

    async def start(self):
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await self.admin.start()

    async def close(self):
        await self.admin.close()

    async def produce(self, topic, records, acks="all", codec="none", idempotent=False):
        producer = AIOKafkaProducer(
            bootstrap_servers=self.address, acks=acks, enable_idempotence=idempotent,
            compression_type=None if codec == "none" else codec,
        )
        async with producer:
            sent = [
                await producer.send(topic, r.value, r.key, r.partition, r.timestamp, list(r.headers)) for r in records
            ]
            await asyncio.gather(*sent)

    async def _open(self, topic, **config):
        defaults = {"heartbeat_interval_ms": 500, "session_timeout_ms": 10000, "enable_auto_commit": False}
        return Reader(AIOKafkaConsumer(bootstrap_servers=self.address, **{**defaults, **config}), topic)

    async def reader(self, topic, partition=0, group=None):
        reader = await self._open(topic, group_id=group, auto_offset_reset="earliest")
        await reader.consumer.start()
        reader.consumer.assign([reader.at(partition)])
        return reader

    async def member(self, group, topic, reset="earliest", auto_commit=False):
        reader = await self._open(topic, group_id=group, auto_offset_reset=reset, enable_auto_commit=auto_commit)
        reader.consumer.subscribe([topic])
        await reader.consumer.start()
        return reader

    async def topics(self):
        return await self.admin.list_topics()

    async def partitions(self, topic):
        described = (await self.admin.describe_topics([topic]))[0]
        check(described["error_code"])
        return len(described["partitions"])

    async def create_topic(self, topic, partitions, configs):
        answer = await self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        for _, code, message in answer.topic_errors:
            check(code, message)

        async def known():
            return topic in await self.topics()

        await until("the new topic known", known)

    async def add_partitions(self, topic, total):
        await self.admin.create_partitions({topic: NewPartitions(total)})

    async def delete_topic(self, topic):
        for _, code in (await self.admin.delete_topics([topic])).topic_error_codes:
            check(code)

    async def configs(self, topic):
        (answer,) = await self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        code, message, _, _, entries = answer.resources[0]
        check(code, message)
        return {entry[0]: entry[1] for entry in entries}

    async def alter_config(self, topic, name, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})
        for answer in await self.admin.alter_configs([resource]):
            for code, message, _, _ in answer.resources:
                check(code, message)

    async def groups(self):
        return [group for group, _ in await self.admin.list_consumer_groups()]

    async def describe_group(self, group):
        (answer,) = await self.admin.describe_consumer_groups([group])
        code, _, state, _, _, members, *_ = answer.groups[0]
        check(code)
        return state, len(members)


if __name__ == "__main__":
    main(Client, scenarios.FEATURES)
