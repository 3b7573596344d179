/** Inputs that are made to block the bot or to fill its memory. */
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { Actor } from '../sandbox/slack/person.js'
import { signed } from '../test/helpers/slack-request.js'
import type { HostileWorld, Rewrite } from './hostile-world.js'

export interface Input {
  name: string
  /** Containers at Hoody beside the usual ones. */
  count?: number
  /** @param forMs how long an input that lasts goes on, in milliseconds. */
  play(world: HostileWorld, forMs: number): Promise<void>
}

export const inputs: readonly Input[] = [
  { name: 'nothing hostile, for comparison', play: async (world) => void (await makeJob(world, 'calm')) },
  {
    name: 'an error of 150 kB of word characters',
    play: async (world) => {
      rewriteErrors(world, { message: 'a'.repeat(150_000) })
      await makeJob(world, 'errors')
    },
  },
  {
    name: 'an error of 1 MB that looks like an address',
    play: async (world) => {
      rewriteErrors(world, { message: `https://${'a:'.repeat(500_000)}` })
      await makeJob(world, 'addresses')
    },
  },
  {
    name: 'a name of 150 kB of word characters in a list',
    play: (world, forMs) =>
      readLists(world, forMs, (body) => body.replace(/"name":"[^"]*"/, `"name":"${'a'.repeat(150_000)}"`)),
  },
  {
    name: 'ten commands with a name of 1,390 letters against 2,000 containers',
    count: 2_000,
    play: typeLongNames,
  },
  {
    name: 'a list with a trillion pages',
    play: (world, forMs) => readLists(world, forMs, (body) => totalled(body, 1e12)),
  },
  {
    name: 'a list whose next page is itself',
    play: (world, forMs) => readLists(world, forMs, (body, path) => linked(body, path)),
  },
  {
    name: 'a list that always has one more page',
    play: (world, forMs) => readLists(world, forMs, (body) => linked(body, `/v3/apps?page=${randomUUID()}`)),
  },
  {
    name: 'a list in a body of 12 MB',
    play: (world, forMs) =>
      readLists(world, forMs, (body) => body.replace('{', `{"more":"${'a'.repeat(12_000_000)}",`)),
  },
  { name: 'a write lock on the database', play: holdLock },
  { name: '250 bodies of 1 MB that never end', play: (world) => leaveBodies(world, 1024 * 1024) },
  { name: '250 bodies of 500 kB that never end', play: (world) => leaveBodies(world, 500_000) },
  {
    name: 'a signed payload=null',
    play: async (world) => {
      await post(world, 'payload=null')
    },
  },
]

/** On a busy machine the first list may take longer than Slack waits. */
export async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (tries === 5) throw error
      await delay(1_000)
    }
  }
}

/** Fills in a form and waits until its thread has an end, or for half a minute. */
export async function makeJob(world: HostileWorld, name: string): Promise<void> {
  const { workspace } = world
  const ann = workspace.as(workspace.people.ann.id)
  // A form left open by an earlier try would be mistaken for the new one.
  for (let pages = 0; pages < 3 && ann.topView(); pages += 1) await ann.close()
  // An input may be played twice, and no name may be taken twice.
  await openForm(world, ann, `hoody copy name=${name}-${randomUUID().slice(0, 8)}`)
  await ann.choose('container', 'shop-api', 'shop-api')
  await ann.choose('project', 'woolworks-staging', 'staging')
  await ann.submit()
  await ann.waitForView((view) => view.callback_id === 'operation_preview')
  await ann.submit()
  const isEnd = ({ text }: { text: string }) => / failed \(| is running \(/.test(text)
  const ends = () => ann.snapshot().messages.filter(isEnd).length
  const had = ends()
  await workspace.waitFor(() => ends() > had, 30_000).catch(() => undefined)
}

async function openForm({ workspace }: HostileWorld, person: Actor, text: string): Promise<void> {
  await person.write(workspace.channels.platform.id, `/clone-app ${text}`)
  await person.waitForView((view) => view.callback_id === 'operation_form')
}

function rewriteErrors(world: HostileWorld, body: object): void {
  world.rewrite(({ method }, answer) => {
    if (method === 'GET') return
    answer.status = 422
    answer.body = JSON.stringify({ statusCode: 422, ...body })
  })
}

/** Changes every list of both providers, and requests lists for a while as people do who type. */
async function readLists(
  world: HostileWorld,
  forMs: number,
  change: (body: string, path: string) => string,
): Promise<void> {
  const rewrite: Rewrite = ({ method, path }, answer) => {
    if (method === 'GET' && answer.status === 200) answer.body = change(answer.body, path)
  }
  world.rewrite(rewrite)
  const { workspace } = world
  const people = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)] as const
  await openForm(world, people[0], 'hoody copy name=listed')
  await openForm(world, people[1], 'cloud-foundry clone name=listed')
  const until = performance.now() + forMs
  for (let turn = 0; performance.now() < until && world.end() === undefined; turn += 1) {
    await Promise.all([
      people[0].options('container', `q${turn}`).catch(() => []),
      people[1].options('app', `q${turn}`).catch(() => []),
    ])
    await delay(500)
  }
}

function totalled(body: string, pages: number): string {
  return body.replace(/"totalPages":\d+/, `"totalPages":${pages}`)
}

function linked(body: string, path: string): string {
  return body.replace(/"next":(null|\{[^}]*\})/, `"next":{"href":"http://127.0.0.1${path}"}`)
}

async function typeLongNames(world: HostileWorld): Promise<void> {
  const { workspace } = world
  const people = Object.values(workspace.people).map(({ id }) => workspace.as(id))
  const channel = workspace.channels.platform.id
  const name = 'shop-api-'.repeat(200).slice(0, 1_390)
  for (let count = 0; count < 10; count += 1) {
    await people[count % 2]?.write(channel, `/clone-app hoody copy container=${name}${count}`)
  }
  await delay(5_000)
}

/** Another process opens a write transaction and leaves it open. */
async function holdLock(world: HostileWorld, forMs: number): Promise<void> {
  const holder = new Sqlite(world.database)
  holder.exec('begin immediate')
  const { workspace } = world
  const ann = workspace.as(workspace.people.ann.id)
  const until = performance.now() + forMs
  while (performance.now() < until && world.end() === undefined) {
    await ann.write(workspace.channels.platform.id, '/clone-app hoody copy name=locked').catch(() => undefined)
    await delay(2_000)
  }
  holder.exec('rollback')
  holder.close()
}

async function leaveBodies(world: HostileWorld, length: number): Promise<void> {
  const stamp = Math.floor(Date.now() / 1000)
  const head = [
    'POST /slack/events HTTP/1.1',
    'host: dolly',
    'content-type: application/x-www-form-urlencoded',
    `x-slack-request-timestamp: ${stamp}`,
    `x-slack-signature: v0=${'0'.repeat(64)}`,
    `content-length: ${length}`,
  ]
  const unfinished = Buffer.alloc(length - 1, 'x')
  const sockets = new Set<Socket>()
  for (let count = 0; count < 250; count += 1) {
    const socket = connect(world.port, '127.0.0.1')
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.resume().write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(unfinished)
  }
  await delay(15_000)
  // Dolly should have closed them by now.
  if (sockets.size > 0) throw new Error(`${sockets.size} of them are still open after 15 s`)
}

async function post({ url, signingSecret }: HostileWorld, body: string): Promise<number> {
  const headers = signed(body, signingSecret)
  return (await fetch(`${url}/slack/events`, { method: 'POST', body, headers })).status
}
