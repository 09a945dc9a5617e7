// @confluentinc/kafka-javascript, librdkafka with the interface of kafkajs.
import { readFileSync } from 'node:fs'
import confluent from '@confluentinc/kafka-javascript'
import { main, NoSuchFeature, Reader } from '../javascript/interop.js'
import { FEATURES } from '../javascript/scenarios.js'

const { AdminClient, ConsumerGroupStates, KafkaJS, librdkafkaVersion } = confluent
const { version } = JSON.parse(
  readFileSync(new URL('node_modules/@confluentinc/kafka-javascript/package.json', import.meta.url)),
)
const TIMEOUT_MS = 30000
const states = Object.fromEntries(Object.entries(ConsumerGroupStates).map(([name, code]) => [code, name]))

class Member extends Reader {
  assignment() {
    return this.consumer.assignment().map((p) => p.partition)
  }
}

class Client {
  folder = 'confluent-js'
  emptyValues = false // it sends them as null
  name = `confluent-kafka-javascript ${version} (librdkafka ${librdkafkaVersion})`

  constructor(address) {
    this.address = address
    this.kafka = new KafkaJS.Kafka({ kafkaJS: { brokers: [address], logLevel: KafkaJS.logLevel.ERROR } })
    this.admin = this.kafka.admin()
  }

  async start() {
    await this.admin.connect()
  }

  async close() {
    await this.admin.disconnect()
  }

  async produce(topic, records, { acks = -1, codec = 'none', idempotent = false, batches = 1 } = {}) {
    const producer = this.kafka.producer({ kafkaJS: { acks, compression: codec, idempotent } })
    await producer.connect()
    const size = Math.ceil(records.length / batches)
    const messages = records.map((r) => ({ ...r })) // it writes into what it is given
    for (let i = 0; i < messages.length; i += size) {
      await producer.send({ topic, messages: messages.slice(i, i + size) })
    }
    await producer.disconnect()
  }

  reader(topic) {
    return this.member(`${topic}-reader`, topic)
  }

  async member(groupId, topic, { fromBeginning = true, autoCommit = false } = {}) {
    const consumer = this.kafka.consumer({
      kafkaJS: { groupId, fromBeginning, autoCommit, sessionTimeout: 10000, heartbeatInterval: 500 },
    })
    const member = new Member(consumer, topic)
    await consumer.connect()
    await consumer.subscribe({ topic })
    await consumer.run({ eachMessage: member.take })
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
    return (await this.admin.fetchTopicMetadata({ topics: [topic] }))[0].partitions.length
  }

  async createTopic(topic, numPartitions, configs) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const created = await this.admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })
    if (!created) throw new Error('the topic exists')
  }

  // addPartitions uses the package's other interface: the one of kafkajs has no such call.
  async addPartitions(topic, count) {
    const admin = AdminClient.create({ 'bootstrap.servers': this.address })
    try {
      await new Promise((done, failed) => {
        admin.createPartitions(topic, count, TIMEOUT_MS, (error) => (error ? failed(error) : done()))
      })
    } finally {
      admin.disconnect()
    }
    return 'through AdminClient'
  }

  async deleteTopic(topic) {
    await this.admin.deleteTopics({ topics: [topic] })
  }

  async configs() {
    throw new NoSuchFeature('no call for configs')
  }

  async alterConfig() {
    throw new NoSuchFeature('no call for configs')
  }

  async groups() {
    return (await this.admin.listGroups()).groups.map((g) => g.groupId)
  }

  async describeGroup(group) {
    const [{ state, members }] = (await this.admin.describeGroups([group])).groups
    const name = states[state].toLowerCase()
    return [name[0].toUpperCase() + name.slice(1), members.length]
  }

  async deleteGroup(group) {
    await this.admin.deleteGroups([group])
  }
}

await main(Client, FEATURES)
