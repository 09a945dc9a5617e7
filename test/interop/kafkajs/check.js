// Uses one Milena node as any kafkajs program uses Kafka; exits 1 at the first wrong answer.
import assert from 'node:assert/strict'
import kafkajs from 'kafkajs'

const { Kafka, CompressionTypes, logLevel } = kafkajs
const kafka = new Kafka({ clientId: 'interop', brokers: [process.argv[2]], logLevel: logLevel.ERROR })
const topic = `kafkajs-${Date.now()}`
const admin = kafka.admin()

// collect runs a group member until `enough(values)`; it returns what the member read.
async function collect(groupId, enough, fromBeginning = true) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, rebalanceTimeout: 10000 })
  const values = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning })
  await new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(`${groupId} read only ${values.length}`)), 30000)
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value.toString())
        if (enough(values)) {
          clearTimeout(timer)
          done()
        }
      },
    })
  })
  await consumer.disconnect()
  return values
}

await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '600000' }] }] })
assert((await admin.listTopics()).includes(topic))
const { resources } = await admin.describeConfigs({ resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] })
assert.equal(resources[0].configEntries[0].configValue, '600000')

const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
await producer.connect()
for (const acks of [-1]) {
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
    const messages = Array.from({ length: 150 }, (_, i) => ({ key: `k${i}`, value: `${compression}-${i}`, headers: { n: `${i}` } }))
    await producer.send({ topic, acks, compression, messages })
  }
}
await producer.disconnect()
const plain = kafka.producer()
await plain.connect()
await plain.send({ topic, acks: 1, messages: [{ value: 'acks-1' }] })
await plain.send({ topic, acks: 0, messages: [{ value: 'acks-0' }] })
await plain.disconnect()

const read = await collect('kafkajs-group', (v) => v.length === 302)
assert.equal(new Set(read).size, 302)

// Two members of one group share the partitions: together they read everything once.
const [one, two] = [kafka.consumer({ groupId: 'pair' }), kafka.consumer({ groupId: 'pair' })]
const seen = []
const owners = new Map()
for (const [name, c] of [['one', one], ['two', two]]) {
  await c.connect()
  await c.subscribe({ topic, fromBeginning: true })
  c.on(c.events.GROUP_JOIN, (e) => owners.set(name, e.payload.memberAssignment[topic]?.length ?? 0))
  await c.run({ eachMessage: async ({ message }) => void seen.push(message.value.toString()) })
}
const deadline = Date.now() + 40000
const shared = () => owners.size === 2 && [...owners.values()].reduce((a, b) => a + b, 0) === 3 && Math.min(...owners.values()) >= 1
while (!(shared() && new Set(seen).size === 302)) {
  assert(Date.now() < deadline, `owners ${JSON.stringify([...owners])}, values ${new Set(seen).size}`)
  await new Promise((r) => setTimeout(r, 50))
}
await one.disconnect()
await two.disconnect()

const offsets = await admin.fetchOffsets({ groupId: 'kafkajs-group', topics: [topic] })
const ends = await admin.fetchTopicOffsets(topic)
assert.equal(offsets[0].partitions.reduce((s, p) => s + Number(p.offset), 0), ends.reduce((s, p) => s + Number(p.high), 0))
await admin.resetOffsets({ groupId: 'kafkajs-group', topic, earliest: true })
await admin.deleteGroups(['kafkajs-group', 'pair'])
await admin.deleteTopics({ topics: [topic] })
await admin.disconnect()
console.log('kafkajs: ok')
process.exit(0)
