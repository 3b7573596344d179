/** The `emulate` package as the data store behind the Web API, with the sandbox's team, people and channels. */
import { Server } from 'node:net'
import { createEmulator } from 'emulate'
import { z } from 'zod'
import { freePort } from '../free-port.js'
import type { Json } from './json.js'

/** The sandbox's team and people. emulate chooses all ids except the bot's own. */
export const TEAM = { id: 'T000000001', name: 'Woolworks', domain: 'woolworks' }
export const BOT = { id: 'U00000DOLLY', name: 'dolly', botId: 'B00000DOLLY', appId: 'A00000DOLLY' }

const people = [
  { name: 'ann', real_name: 'Ann Baker', profile: { title: 'Platform engineer' }, isGuest: false, hasLeft: false },
  { name: 'bo', real_name: 'Bo Chen', profile: { title: 'Developer' }, isGuest: false, hasLeft: false },
  { name: 'cleo', real_name: 'Cleo Diaz', profile: { title: 'Guest contractor' }, isGuest: true, hasLeft: false },
  { name: 'eli', real_name: 'Eli Frost', profile: { title: 'Platform engineer' }, isGuest: false, hasLeft: false },
  { name: 'fay', real_name: 'Fay Green', profile: { title: 'Platform lead' }, isGuest: false, hasLeft: false },
  { name: 'dora', real_name: 'Dora Eng', profile: { title: 'Left last month' }, isGuest: false, hasLeft: true },
] as const
/** User groups by id, with the names of who is in them; emulate knows none. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = { S00PLATFORM: ['ann', 'eli', 'fay'] }
/** What people read in a mention of a group, by its id. */
export const GROUP_NAMES: Readonly<Record<string, string>> = { S00PLATFORM: 'platform-team' }
const channels = [
  { name: 'platform', topic: 'Clusters, connections and the sheep', hasBot: true },
  { name: 'deploys', topic: 'What went live, and when', hasBot: true },
  { name: 'random', topic: 'Everything else', hasBot: false },
]

// emulate answers 5000 calls an hour for each token; the bot's calls are spread over these.
const BOT_TOKENS = Array.from({ length: 50 }, (_, index) => `xoxb-behind-${index}`)

/** A person of the seed. */
interface Resident {
  id: string
  name: string
  realName: string
  title: string
  /** The direct conversation with the bot. */
  directChannel: string
  /** emulate has no guests and no deactivated accounts, so `users.info` adds both. */
  isGuest: boolean
  hasLeft: boolean
}

export interface Backend {
  /** Calls a method as the bot, or as the person with this name. */
  call(method: string, body: Json, as?: string): Promise<Json>
  /** Sends a file's contents to its upload address. Resolves with the HTTP status. */
  upload(id: string, bytes: Buffer, contentType: string): Promise<number>
  people: readonly Resident[]
  channels: readonly { id: string; name: string; topic: string; hasBot: boolean }[]
  close(): Promise<void>
}

const Members = z.object({
  members: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      real_name: z.string(),
      profile: z.object({ title: z.string().optional() }),
    }),
  ),
})
const Channels = z.object({ channels: z.array(z.object({ id: z.string(), name: z.string() })) })
const Opened = z.object({ channel: z.object({ id: z.string() }) })

/** Starts emulate with the seed. `scopes` are the bot's; a call beyond them is answered `missing_scope`. */
export async function startBackend(scopes: readonly string[], permalinkUrl: string): Promise<Backend> {
  // emulate cannot be asked which port 0 became, so a free one is found for it.
  const port = await freePort()
  const emulator = await onLoopback(port, () =>
    createEmulator({
      service: 'slack',
      port,
      baseUrl: permalinkUrl,
      seed: {
        slack: {
          team: { name: TEAM.name, domain: TEAM.domain },
          // Renaming a channel takes an admin.
          users: people.map(({ name, real_name, profile }) => ({ name, real_name, profile, is_admin: name === 'ann' })),
          channels,
          strict_scopes: true,
          oauth_apps: [
            {
              app_id: BOT.appId,
              client_id: '1.1',
              client_secret: 'sandbox',
              name: 'Dolly',
              redirect_uris: [],
              scopes,
              bot_id: BOT.botId,
              bot_user_id: BOT.id,
              bot_name: BOT.name,
            },
          ],
          tokens: [
            ...BOT_TOKENS.map((token) => ({
              token,
              type: 'bot',
              user: BOT.id,
              scopes,
              app_id: BOT.appId,
              bot_id: BOT.botId,
            })),
            ...people.map(({ name }) => ({ token: `xoxp-${name}`, type: 'user', user: name, app_id: BOT.appId })),
            { token: 'xoxp-seed', type: 'user', user: BOT.id, app_id: BOT.appId },
          ],
        },
      },
    }),
  )
  let turn = 0

  async function call(method: string, body: Json, as?: string): Promise<Json> {
    turn += 1
    const token = as ? `xoxp-${as}` : BOT_TOKENS[turn % BOT_TOKENS.length]
    const answer = await fetch(`http://127.0.0.1:${port}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.status === 404) return { ok: false, error: 'unknown_method', req_method: method }
    return z.record(z.string(), z.unknown()).parse(await answer.json())
  }

  const found = Members.parse(await call('users.list', {}, 'ann')).members
  const listed = Channels.parse(await call('conversations.list', {}, 'ann')).channels
  const idOf = (name: string) => listed.find((channel) => channel.name === name)?.id ?? ''
  for (const channel of channels) {
    // emulate makes #random itself, so our people have to join it.
    for (const person of people) await call('conversations.join', { channel: idOf(channel.name) }, person.name)
    if (channel.hasBot) await call('conversations.invite', { channel: idOf(channel.name), users: BOT.id }, 'ann')
  }
  async function upload(id: string, bytes: Buffer, contentType: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${port}/upload/v1/${id}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: new Uint8Array(bytes),
    })
    return answer.status
  }

  return {
    call,
    upload,
    people: await Promise.all(
      people.map(async ({ name, real_name, profile, isGuest, hasLeft }) => {
        const id = found.find((member) => member.name === name)?.id ?? ''
        const direct = Opened.parse(await call('conversations.open', { users: id }, 'seed'))
        return {
          id,
          name,
          realName: real_name,
          title: profile.title,
          directChannel: direct.channel.id,
          isGuest,
          hasLeft,
        }
      }),
    ),
    channels: channels.map((channel) => ({ ...channel, id: idOf(channel.name) })),
    close: () => emulator.close(),
  }
}

/** One start at a time: each changes how servers listen, for a moment. */
let lastStart: Promise<unknown> = Promise.resolve()

/** emulate has no option for the address and would listen on all of them; nothing of the sandbox is for the network. */
function onLoopback<T>(port: number, start: () => Promise<T>): Promise<T> {
  const mine = lastStart.then(async () => {
    const { listen } = Server.prototype
    Server.prototype.listen = function (this: Server, ...args: unknown[]) {
      return Reflect.apply(listen, this, args[0] === port ? [port, '127.0.0.1'] : args)
    }
    try {
      return await start()
    } finally {
      Server.prototype.listen = listen
    }
  })
  lastStart = mine.catch(() => undefined)
  return mine
}
