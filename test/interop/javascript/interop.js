// What the JavaScript clients share: the contract with the runner, and ways to wait.
//
// A client is an object with the methods that scenarios.js calls.
import { isDeepStrictEqual } from 'node:util'

const AT_A_TIME = 5 // features that run beside each other
const FEATURE_MS = 50000
const WAIT_MS = 30000

// NoSuchFeature says that the client's library has no such thing.
export class NoSuchFeature extends Error {}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

// same throws if the two differ; of two lists it tells the first difference.
export function same(what, got, want) {
  if (isDeepStrictEqual(got, want)) return
  if (Array.isArray(got) && got.length === want.length) {
    const i = got.findIndex((g, i) => !isDeepStrictEqual(g, want[i]))
    return same(`${what}[${i}]`, got[i], want[i])
  }
  throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`.slice(0, 1000))
}

// until waits until the condition, which may be asynchronous, is true.
export async function until(what, condition) {
  const deadline = Date.now() + WAIT_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`)
    await sleep(50)
  }
}

let names = 0

// unique is a name that no other client and no other run uses.
export const unique = (client, what) => `${client.folder}-${what}-${Date.now()}-${process.pid}-${names++}`

async function limited(running) {
  let timer
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`not done within ${FEATURE_MS} ms`)), FEATURE_MS)
  })
  try {
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}

// one runs a feature; a scenario may return a note.
async function one(client, [feature, scenario]) {
  try {
    return [feature, 'ok', (await limited(scenario(client))) ?? '']
  } catch (e) {
    if (e instanceof NoSuchFeature) return [feature, 'none', e.message]
    console.error(feature, e)
    return [feature, 'failed', `${e.name}: ${e.message}`]
  }
}

// main runs the features, or those named behind the address on the command line; the process ends here.
export async function main(Client, features) {
  const [address, ...named] = process.argv.slice(2)
  const client = new Client(address)
  await client.start()
  console.log(`CLIENT\t${client.name}`)
  const chosen = features.filter(([feature]) => !named.length || named.includes(feature))
  const results = new Array(chosen.length)
  let next = 0
  const worker = async () => {
    while (next < chosen.length) {
      const i = next++
      results[i] = await one(client, chosen[i])
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  for (const [feature, status, note] of results) {
    console.log(['RESULT', feature, status, note.replace(/\s+/g, ' ')].join('\t'))
  }
  await client.close()
  process.exit(results.some(([, status]) => status === 'failed') ? 1 : 0)
}

// Reader keeps what a consumer hands to its callback until somebody polls.
export class Reader {
  constructor(consumer, topic) {
    this.consumer = consumer
    this.topic = topic
    this.records = []
  }

  // take is the callback for each message.
  take = async ({ partition, message }) => {
    const { key, value, headers, timestamp, offset } = message
    this.records.push({ key: text(key), value: text(value), headers: texts(headers), timestamp, partition, offset: Number(offset) })
  }

  async poll() {
    for (let i = 0; i < 20 && !this.records.length; i++) await sleep(10)
    return this.records.splice(0)
  }

  // seek drops what was read before.
  async seek(partition, offset) {
    await this.consumer.seek({ topic: this.topic, partition, offset: String(offset) })
    this.records = []
  }

  async commit(partition, offset) {
    await this.consumer.commitOffsets([{ topic: this.topic, partition, offset: String(offset) }])
  }

  async close() {
    await this.consumer.disconnect()
  }
}

const text = (bytes) => bytes?.toString() ?? null
const texts = (headers) => Object.fromEntries(Object.entries(headers ?? {}).map(([k, v]) => [k, Array.isArray(v) ? v.map(text) : text(v)]))
