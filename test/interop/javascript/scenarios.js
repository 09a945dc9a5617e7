// What each feature does with a client, and what must come of it.
import { NoSuchFeature, same, unique, until } from './interop.js'

const HOUR = 3600 * 1000

async function newTopic(client, partitions = 1, configs = {}) {
  const topic = unique(client, 'topic')
  await client.createTopic(topic, partitions, configs)
  return topic
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i)
const numbered = (count, label = 'v', more = {}) => range(0, count).map((i) => ({ value: `${label}-${i}`, partition: 0, ...more }))

// varied are records with all that a record can have, in a time that only their sender can know.
function varied(count, withEmpty) {
  const start = Date.now() - HOUR
  const records = range(0, count).map((i) => ({
    key: `key-${i}`,
    value: `value-${i} `.repeat(20),
    headers: { n: [`${i}`, ''], once: 'é' },
  }))
  records.push({ key: 'deleted', value: null })
  if (withEmpty) records.push({ value: '' })
  return records.map((r, i) => ({ partition: 0, timestamp: String(start + i), ...r }))
}

const contents = (records) => records.map(({ key = null, value, headers = {} }) => ({ key, value, headers }))

// take reads until there are count records.
async function take(reader, count) {
  const read = []
  await until(`${count} records`, async () => {
    read.push(...(await reader.poll()))
    return read.length >= count
  })
  return read
}

async function readBack(client, topic, sent) {
  const reader = await client.reader(topic)
  const read = await take(reader, sent.length)
  read.push(...(await reader.poll()))
  await reader.close()
  same('offsets', read.map((r) => r.offset), range(0, sent.length))
  same('records', contents(read), contents(sent))
  if (sent[0].timestamp) same('timestamps', read.map((r) => r.timestamp), sent.map((r) => r.timestamp))
}

const produce = (codec) => async (client) => {
  const [topic, sent] = [await newTopic(client), varied(200, client.emptyValues)]
  await client.produce(topic, sent, { codec })
  await readBack(client, topic, sent)
}

const acks = (level) => async (client) => {
  const [topic, sent] = [await newTopic(client), numbered(50)]
  await client.produce(topic, sent, { acks: level })
  await readBack(client, topic, sent)
}

async function idempotence(client) {
  const [topic, sent] = [await newTopic(client), numbered(1000)]
  await client.produce(topic, sent, { idempotent: true, batches: 20 })
  await readBack(client, topic, sent)
}

// owners waits until the members share the four partitions, each with some.
async function owners(members) {
  await until(`4 partitions shared by ${members.length}`, () => {
    const owned = members.map((m) => m.assignment())
    return owned.every((o) => o.length) && isEqual(owned.flat().sort(), [0, 1, 2, 3])
  })
}

const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b)

async function groupRebalance(client) {
  const [topic, group] = [await newTopic(client, 4), unique(client, 'group')]
  const [wanted, seen] = [new Set(), new Set()]
  const send = async (label) => {
    const sent = range(0, 4).flatMap((partition) => numbered(25, `${label}-${partition}`, { partition }))
    sent.forEach((r) => wanted.add(r.value))
    await client.produce(topic, sent)
  }
  const allSeen = (members) => until('every record seen', async () => {
    for (const m of members) (await m.poll()).forEach((r) => seen.add(r.value))
    return isEqual([...seen].sort(), [...wanted].sort())
  })
  const first = await client.member(group, topic, { autoCommit: true })
  await owners([first])
  await send('alone')
  const second = await client.member(group, topic, { autoCommit: true })
  await owners([first, second])
  await send('two')
  await allSeen([first, second])
  await first.close()
  await owners([second])
  await send('left')
  await allSeen([second])
  await second.close()
}

const commit = (inBackground) => async (client) => {
  const [topic, group] = [await newTopic(client), unique(client, 'group')]
  await client.produce(topic, numbered(20))
  const reader = await client.member(group, topic)
  same('the first read', (await take(reader, 1))[0].offset, 0)
  const committing = reader.commit(0, 10)
  if (inBackground) await reader.poll() // it goes on while records are read
  await committing
  same('committed', await client.committed(group, topic, 0), 10)
  await reader.close()
  const resumed = await client.member(group, topic)
  same('offsets after the commit', (await take(resumed, 10)).map((r) => r.offset), range(10, 20))
  await resumed.close()
}

// readSome makes a topic with the records, and a reader of it that has read some.
async function readSome(client, records) {
  const topic = await newTopic(client)
  await client.produce(topic, records)
  const reader = await client.reader(topic)
  same('the first read', (await take(reader, 1))[0].offset, 0)
  return [topic, reader]
}

async function nextIs(reader, offset, value) {
  const [{ offset: o, value: v }] = await take(reader, 1)
  same('the next record', [o, v], [offset, value])
}

async function seekOffset(client) {
  const [, reader] = await readSome(client, numbered(100))
  for (const offset of [42, 7, 99]) {
    await reader.seek(0, offset)
    await nextIs(reader, offset, `v-${offset}`)
  }
  await reader.close()
}

async function seekBeginning(client) {
  const [topic, reader] = await readSome(client, numbered(100))
  await reader.seek(0, 50)
  await nextIs(reader, 50, 'v-50')
  await reader.seek(0, (await client.ends(topic, 0)).low)
  await nextIs(reader, 0, 'v-0')
  await reader.close()
  return 'to the offset that the admin client answers'
}

// firstNew sends until the reader, which is at the end or on its way there, has read something: it must be new.
async function firstNew(client, reader, topic, end) {
  const [sent, read] = [[], []]
  await until('a record behind the end', async () => {
    sent.push({ value: `new-${sent.length}`, partition: 0 })
    await client.produce(topic, sent.slice(-1))
    for (let i = 0; i < 3; i++) read.push(...(await reader.poll()))
    return read.length
  })
  const first = read[0].offset - end
  if (first < 0) throw new Error(`an old record was read, offset ${read[0].offset} of ${end}`)
  same('the records behind the end', contents(read), contents(sent.slice(first, first + read.length)))
}

async function seekEnd(client) {
  const [topic, reader] = await readSome(client, numbered(100))
  const { high } = await client.ends(topic, 0)
  same('the end', high, 100)
  await reader.seek(0, high)
  await firstNew(client, reader, topic, 100)
  await reader.close()
  return 'to the offset that the admin client answers'
}

async function seekTimestamp(client) {
  const start = Date.now() - HOUR
  const sent = numbered(100).map((r, i) => ({ ...r, timestamp: String(start + 1000 * i) }))
  const [topic, reader] = await readSome(client, sent)
  same('the offset of a time', await client.offsetAt(topic, 0, start + 60000), 60)
  same('the offset between two times', await client.offsetAt(topic, 0, start + 59001), 60)
  same('the offset of a later time', await client.offsetAt(topic, 0, start + 2 * HOUR), 100)
  await reader.seek(0, await client.offsetAt(topic, 0, start + 60000))
  await nextIs(reader, 60, 'v-60')
  await reader.close()
}

async function resetEarliest(client) {
  const topic = await newTopic(client)
  await client.produce(topic, numbered(10))
  const reader = await client.member(unique(client, 'group'), topic, { fromBeginning: true })
  same('offsets without a commit', (await take(reader, 10)).map((r) => r.offset), range(0, 10))
  await reader.seek(0, 1000000)
  await nextIs(reader, 0, 'v-0')
  await reader.close()
}

async function resetLatest(client) {
  const topic = await newTopic(client)
  await client.produce(topic, numbered(10))
  const reader = await client.member(unique(client, 'group'), topic, { fromBeginning: false })
  await until('the partition assigned', () => isEqual(reader.assignment(), [0]))
  await firstNew(client, reader, topic, 10)
  await reader.close()
}

async function refused(what, call) {
  try {
    await call
  } catch (e) {
    if (e instanceof NoSuchFeature) throw e
    return
  }
  throw new Error(`${what} was not refused`)
}

async function listTopics(client) {
  const topics = [await newTopic(client), await newTopic(client)]
  const listed = await client.topics()
  same('topics that are not listed', topics.filter((t) => !listed.includes(t)), [])
}

async function createTopic(client) {
  const topic = await newTopic(client, 3)
  same('partitions', await client.partitions(topic), 3)
  await refused('a second topic of the name', client.createTopic(topic, 3, {}))
}

async function alterTopic(client) {
  const topic = await newTopic(client, 2)
  const note = await client.addPartitions(topic, 5)
  same('partitions', await client.partitions(topic), 5)
  await refused('fewer partitions', client.addPartitions(topic, 3))
  await client.produce(topic, [{ value: 'there', partition: 4 }])
  const reader = await client.reader(topic)
  const [read] = await take(reader, 1)
  same('the record of the new partition', [read.partition, read.value], [4, 'there'])
  await reader.close()
  return note
}

async function deleteTopic(client) {
  const topic = await newTopic(client)
  same('listed', (await client.topics()).includes(topic), true)
  await client.deleteTopic(topic)
  await until('the topic gone', async () => !(await client.topics()).includes(topic))
  await refused('to delete it again', client.deleteTopic(topic))
}

async function describeConfigs(client) {
  const topic = await newTopic(client, 1, { 'retention.ms': '600000' })
  const configs = await client.configs(topic)
  same('the config that was set', configs['retention.ms'], '600000')
  same('a default', configs['cleanup.policy'], 'delete')
}

async function alterConfigs(client) {
  const topic = await newTopic(client)
  await client.alterConfig(topic, 'retention.ms', '700000')
  await until('the config altered', async () => (await client.configs(topic))['retention.ms'] === '700000')
  await refused('a value that is none', client.alterConfig(topic, 'retention.ms', 'soon'))
}

async function listGroups(client) {
  const [topic, group] = [await newTopic(client), unique(client, 'group')]
  await client.produce(topic, numbered(1))
  const reader = await client.member(group, topic)
  await take(reader, 1)
  same('listed', (await client.groups()).includes(group), true)
  same('state and members', await client.describeGroup(group), ['Stable', 1])
  await reader.commit(0, 1)
  await reader.close()
  await until('the group empty', async () => isEqual(await client.describeGroup(group), ['Empty', 0]))
  if (client.resetGroup) {
    await client.resetGroup(group, topic)
    const again = await client.member(group, topic)
    await nextIs(again, 0, 'v-0')
    await again.close()
  }
  await client.deleteGroup(group)
  same('listed when deleted', (await client.groups()).includes(group), false)
}

export const FEATURES = [
  ['produce-none', produce('none')],
  ['produce-gzip', produce('gzip')],
  ['produce-snappy', produce('snappy')],
  ['produce-lz4', produce('lz4')],
  ['produce-zstd', produce('zstd')],
  ['acks-0', acks(0)],
  ['acks-1', acks(1)],
  ['acks-all', acks(-1)],
  ['group-rebalance', groupRebalance],
  ['commit-sync', commit(false)],
  ['commit-async', commit(true)],
  ['seek-offset', seekOffset],
  ['seek-beginning', seekBeginning],
  ['seek-end', seekEnd],
  ['seek-timestamp', seekTimestamp],
  ['reset-earliest', resetEarliest],
  ['reset-latest', resetLatest],
  ['idempotence', idempotence],
  ['list-topics', listTopics],
  ['create-topic', createTopic],
  ['alter-topic', alterTopic],
  ['delete-topic', deleteTopic],
  ['describe-configs', describeConfigs],
  ['alter-configs', alterConfigs],
  ['list-groups', listGroups],
]
