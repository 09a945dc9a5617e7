// kafkajs, which is pure JavaScript; its codecs but gzip are packages of their own.
import { readFileSync } from 'node:fs'
import zstd from '@bokuweb/zstd-wasm'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { main, Reader } from '../javascript/interop.js'
import { FEATURES } from '../javascript/scenarios.js'

const { Kafka, CompressionCodecs, CompressionTypes, logLevel } = kafkajs
const { version } = JSON.parse(readFileSync(new URL('node_modules/kafkajs/package.json', import.meta.url)))
const TOPIC = 2 // the resource type of a topic

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: (bytes) => lz4.decompressFrame(bytes),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async (bytes) => Buffer.from(zstd.decompress(bytes)),
})
const codecs = {
  none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD,
}

// Member is a reader that knows its partitions from the events of its consumer.
class Member extends Reader {
  constructor(consumer, topic) {
    super(consumer, topic)
    this.owned = []
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => (this.owned = payload.memberAssignment[topic] ?? []))
    consumer.on(consumer.events.REBALANCING, () => (this.owned = []))
  }

  assignment() {
    return this.owned
  }
}

class Client {
  folder = 'kafkajs'
  emptyValues = true
  name = `kafkajs ${version}`

  constructor(address) {
    this.kafka = new Kafka({ clientId: 'interop', brokers: [address], logLevel: logLevel.ERROR })
    this.admin = this.kafka.admin()
  }

  async start() {
    await zstd.init()
    await this.admin.connect()
  }

  async close() {
    await this.admin.disconnect()
  }

  async produce(topic, records, { acks = -1, codec = 'none', idempotent = false, batches = 1 } = {}) {
    const producer = this.kafka.producer({ idempotent, maxInFlightRequests: 1 })
    await producer.connect()
    const size = Math.ceil(records.length / batches)
    for (let i = 0; i < records.length; i += size) {
      await producer.send({ topic, acks, compression: codecs[codec], messages: records.slice(i, i + size) })
    }
    await producer.disconnect()
  }

  reader(topic) {
    return this.member(`${topic}-reader`, topic)
  }

  async member(groupId, topic, { fromBeginning = true, autoCommit = false } = {}) {
    const consumer = this.kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500, maxWaitTimeInMs: 500 })
    const member = new Member(consumer, topic)
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning })
    await consumer.run({ autoCommit, eachMessage: member.take })
    return member
  }

  async committed(groupId, topic, partition) {
    const [{ partitions }] = await this.admin.fetchOffsets({ groupId, topics: [topic] })
    return Number(partitions.find((p) => p.partition === partition).offset)
  }

  async ends(topic, partition) {
    const { low, high } = (await this.admin.fetchTopicOffsets(topic)).find((p) => p.partition === partition)
    return { low: Number(low), high: Number(high) }
  }

  async offsetAt(topic, partition, timestamp) {
    const found = await this.admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
    return Number(found.find((p) => p.partition === partition).offset)
  }

  topics() {
    return this.admin.listTopics()
  }

  async partitions(topic) {
    return (await this.admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length
  }

  async createTopic(topic, numPartitions, configs) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const created = await this.admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })
    if (!created) throw new Error('the topic exists')
  }

  async addPartitions(topic, count) {
    await this.admin.createPartitions({ topicPartitions: [{ topic, count }] })
  }

  async deleteTopic(topic) {
    await this.admin.deleteTopics({ topics: [topic] })
  }

  async configs(name) {
    const { resources } = await this.admin.describeConfigs({ resources: [{ type: TOPIC, name }] })
    return Object.fromEntries(resources[0].configEntries.map((e) => [e.configName, e.configValue]))
  }

  async alterConfig(topic, name, value) {
    await this.admin.alterConfigs({ resources: [{ type: TOPIC, name: topic, configEntries: [{ name, value }] }] })
  }

  async groups() {
    return (await this.admin.listGroups()).groups.map((g) => g.groupId)
  }

  async describeGroup(group) {
    const [{ state, members }] = (await this.admin.describeGroups([group])).groups
    return [state, members.length]
  }

  async resetGroup(groupId, topic) {
    await this.admin.resetOffsets({ groupId, topic, earliest: true })
  }

  async deleteGroup(group) {
    await this.admin.deleteGroups([group])
  }
}

await main(Client, FEATURES)
