"""What each feature does with a client, and what must come of it."""

import asyncio
import functools
import time

from interop import NoSuchFeature, Record, same, unique, until

HOUR = 3600 * 1000


async def new_topic(client, partitions=1, configs=None):
    topic = unique(client, "topic")
    await client.create_topic(topic, partitions, configs or {})
    return topic


def numbered(count, label="v", **fields):
    return [Record(b"%s-%d" % (label.encode(), i), **fields) for i in range(count)]


def varied(count, nothing=None):
    """Records with all that a record can have, in a time that only their sender can know."""
    start = int(time.time() * 1000) - HOUR
    records = [
        Record(b"value-%d " % i * 20, b"key-%d" % i, (("n", b"%d" % i), ("n", b""), ("none", nothing)), start + i)
        for i in range(count)
    ]
    return records + [Record(None, b"deleted", (), start + count), Record(b"", None, (), start + count + 1)]


def contents(records):
    return [(r.key, r.value, r.headers) for r in records]


async def take(reader, count):
    """Reads until there are count records; more than that are a mistake of the caller or of the broker."""
    read = []

    async def enough():
        read.extend(await reader.poll())
        return len(read) >= count

    await until(f"{count} records", enough)
    return read


async def read_back(client, topic, sent):
    reader = await client.reader(topic)
    read = await take(reader, len(sent))
    read += await reader.poll()
    await reader.close()
    same("offsets", [r.offset for r in read], list(range(len(sent))))
    same("records", contents(read), contents(sent))
    if sent[0].timestamp is not None:
        same("timestamps", [r.timestamp for r in read], [r.timestamp for r in sent])


async def produce(client, codec):
    topic, sent = await new_topic(client), varied(200, client.null_header)
    await client.produce(topic, sent, codec=codec)
    await read_back(client, topic, sent)


async def acks(client, level):
    topic, sent = await new_topic(client), numbered(50)
    await client.produce(topic, sent, acks=level)
    await read_back(client, topic, sent)


async def idempotence(client):
    topic, sent = await new_topic(client), numbered(2000)
    await client.produce(topic, sent, idempotent=True)
    await read_back(client, topic, sent)


class Member:
    """A member of a group that reads all the time until it leaves."""

    def __init__(self, reader, seen):
        self.reader, self.seen = reader, seen
        self.owned, self.leaving = set(), False
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        while not self.leaving:
            self.seen.update(r.value for r in await self.reader.poll())
            self.owned = await self.reader.assignment()
            await asyncio.sleep(0.01)

    async def leave(self):
        self.leaving = True
        await self.reading
        await self.reader.close()


async def group_rebalance(client):
    topic, group = await new_topic(client, 4), unique(client, "group")
    wanted, seen = set(), set()

    async def send(label):
        sent = [r._replace(partition=p) for p in range(4) for r in numbered(25, f"{label}-{p}")]
        wanted.update(r.value for r in sent)
        await client.produce(topic, sent)

    async def everything_seen():
        return seen == wanted

    async def shared(*members):
        def split():
            owned = [m.owned for m in members]
            return all(owned) and sum(map(len, owned)) == 4 and set().union(*owned) == {0, 1, 2, 3}

        async def condition():
            for m in members:
                if m.reading.done():
                    m.reading.result()  # raises what ended it
            return split()

        await until(f"4 partitions shared by {len(members)}", condition)

    first = Member(await client.member(group, topic, auto_commit=True), seen)
    await shared(first)
    await send("alone")
    second = Member(await client.member(group, topic, auto_commit=True), seen)
    await shared(first, second)
    await send("two")
    await until("every record seen by two", everything_seen)
    await first.leave()
    await shared(second)
    await send("left")
    await until("every record seen by the one that is left", everything_seen)
    await second.leave()


async def commit(client, in_background):
    topic, group = await new_topic(client), unique(client, "group")
    await client.produce(topic, numbered(20))
    reader = await client.member(group, topic)
    same("the first read", (await take(reader, 1))[0].offset, 0)
    await (reader.commit_in_background if in_background else reader.commit)(0, 10)
    other = await client.reader(topic, group=group)
    same("committed", await other.committed(0), 10)
    await other.close()
    await reader.close()
    resumed = await client.member(group, topic)
    same("offsets after the commit", [r.offset for r in await take(resumed, 10)], list(range(10, 20)))
    await resumed.close()


async def read_some(client, records):
    """A topic with the records, and a reader of it that has read some."""
    topic = await new_topic(client)
    await client.produce(topic, records)
    reader = await client.reader(topic)
    same("the first read", (await take(reader, 1))[0].offset, 0)
    return topic, reader


async def next_is(reader, offset, value):
    record = (await take(reader, 1))[0]
    same("the next record", (record.offset, record.value), (offset, value))


async def seek_offset(client):
    topic, reader = await read_some(client, numbered(100))
    for offset in (42, 7, 99):
        await reader.seek(0, offset)
        await next_is(reader, offset, b"v-%d" % offset)
    await reader.close()


async def seek_beginning(client):
    topic, reader = await read_some(client, numbered(100))
    await reader.seek(0, 50)
    await next_is(reader, 50, b"v-50")
    await reader.seek_to_beginning(0)
    await next_is(reader, 0, b"v-0")
    await reader.close()


async def first_new(client, reader, topic, end):
    """Sends until the reader, which is at the end or on its way there, has read something: it must be new."""
    sent, read = [], []

    async def something_read():
        sent.append(Record(b"new-%d" % len(sent)))
        await client.produce(topic, sent[-1:])
        for _ in range(3):
            read.extend(await reader.poll())
        return read

    await until("a record behind the end", something_read)
    first = read[0].offset - end
    if first < 0:
        raise AssertionError(f"an old record was read, offset {read[0].offset} of {end}")
    same("the record behind the end", contents(read), contents(sent[first : first + len(read)]))


async def seek_end(client):
    topic, reader = await read_some(client, numbered(100))
    same("the end", await reader.end(0), 100)
    await reader.seek_to_end(0)
    await first_new(client, reader, topic, 100)
    await reader.close()


async def seek_timestamp(client):
    start = int(time.time() * 1000) - HOUR
    sent = [r._replace(timestamp=start + 1000 * i) for i, r in enumerate(numbered(100))]
    topic, reader = await read_some(client, sent)
    same("the offset of a time", await reader.offset_at(0, start + 60_000), 60)
    same("the offset between two times", await reader.offset_at(0, start + 59_001), 60)
    same("the offset of a later time", await reader.offset_at(0, start + 2 * HOUR), None)
    await reader.seek(0, await reader.offset_at(0, start + 60_000))
    await next_is(reader, 60, b"v-60")
    await reader.close()


async def reset_earliest(client):
    topic = await new_topic(client)
    await client.produce(topic, numbered(10))
    reader = await client.member(unique(client, "group"), topic, reset="earliest")
    same("offsets without a commit", [r.offset for r in await take(reader, 10)], list(range(10)))
    await reader.seek(0, 1_000_000)
    await next_is(reader, 0, b"v-0")
    await reader.close()


async def reset_latest(client):
    topic = await new_topic(client)
    await client.produce(topic, numbered(10))
    reader = await client.member(unique(client, "group"), topic, reset="latest")

    async def assigned():
        same("records before the end", await reader.poll(), [])
        return await reader.assignment() == {0}

    await until("the partition assigned", assigned)
    await first_new(client, reader, topic, 10)
    await reader.close()


async def refused(what, call):
    try:
        await call
    except NoSuchFeature:
        raise
    except Exception:
        return
    raise AssertionError(f"{what} was not refused")


async def list_topics(client):
    topics = [await new_topic(client) for _ in range(2)]
    same("topics that are not listed", set(topics) - set(await client.topics()), set())


async def create_topic(client):
    topic = await new_topic(client, 3)
    same("partitions", await client.partitions(topic), 3)
    await refused("a second topic of the name", client.create_topic(topic, 3, {}))


async def alter_topic(client):
    topic = await new_topic(client, 2)
    await client.add_partitions(topic, 5)
    same("partitions", await client.partitions(topic), 5)
    await refused("fewer partitions", client.add_partitions(topic, 3))
    await client.produce(topic, [Record(b"there", partition=4)])
    reader = await client.reader(topic, partition=4)
    await next_is(reader, 0, b"there")
    await reader.close()


async def delete_topic(client):
    topic = await new_topic(client)

    async def gone():
        return topic not in await client.topics()

    same("listed", await gone(), False)
    await client.delete_topic(topic)
    await until("the topic gone", gone)
    await refused("to delete it again", client.delete_topic(topic))


async def describe_configs(client):
    topic = await new_topic(client, 1, {"retention.ms": "600000"})
    configs = await client.configs(topic)
    same("the config that was set", configs["retention.ms"], "600000")
    same("a default", configs["cleanup.policy"], "delete")


async def alter_configs(client):
    topic = await new_topic(client)
    await client.alter_config(topic, "retention.ms", "700000")

    async def altered():
        return (await client.configs(topic))["retention.ms"] == "700000"

    await until("the config altered", altered)
    await refused("a value that is none", client.alter_config(topic, "retention.ms", "soon"))


async def list_groups(client):
    topic, group = await new_topic(client), unique(client, "group")
    await client.produce(topic, numbered(1))
    reader = await client.member(group, topic)
    await take(reader, 1)
    same("listed", group in await client.groups(), True)
    same("state and members", await client.describe_group(group), ("Stable", 1))
    await reader.commit(0, 1)
    await reader.close()

    async def empty():
        return await client.describe_group(group) == ("Empty", 0)

    await until("the group empty", empty)
    same("listed while empty", group in await client.groups(), True)


FEATURES = [
    ("produce-none", functools.partial(produce, codec="none")),
    ("produce-gzip", functools.partial(produce, codec="gzip")),
    ("produce-snappy", functools.partial(produce, codec="snappy")),
    ("produce-lz4", functools.partial(produce, codec="lz4")),
    ("produce-zstd", functools.partial(produce, codec="zstd")),
    ("acks-0", functools.partial(acks, level=0)),
    ("acks-1", functools.partial(acks, level=1)),
    ("acks-all", functools.partial(acks, level="all")),
    ("group-rebalance", group_rebalance),
    ("commit-sync", functools.partial(commit, in_background=False)),
    ("commit-async", functools.partial(commit, in_background=True)),
    ("seek-offset", seek_offset),
    ("seek-beginning", seek_beginning),
    ("seek-end", seek_end),
    ("seek-timestamp", seek_timestamp),
    ("reset-earliest", reset_earliest),
    ("reset-latest", reset_latest),
    ("idempotence", idempotence),
    ("list-topics", list_topics),
    ("create-topic", create_topic),
    ("alter-topic", alter_topic),
    ("delete-topic", delete_topic),
    ("describe-configs", describe_configs),
    ("alter-configs", alter_configs),
    ("list-groups", list_groups),
]
