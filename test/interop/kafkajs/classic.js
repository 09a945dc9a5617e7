import kafkajs from 'kafkajs'

const kafka = new kafkajs.Kafka({ brokers: [process.argv[2] ?? 'localhost:9092'] })
const producer = kafka.producer()
await producer.connect()
await producer.send({ topic: 'js_topic', messages: [{ key: 'my_key', value: 'hello' }] })
await producer.disconnect()

const consumer = kafka.consumer({ groupId: 'js_app' })
await consumer.connect()
await consumer.subscribe({ topic: 'js_topic', fromBeginning: true })
await consumer.run({
  eachMessage: async ({ message }) => {
    console.log(`${message.offset}: ${message.key} = ${message.value}`)
    consumer.disconnect().then(() => process.exit(0))
  },
})
