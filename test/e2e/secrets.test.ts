/** The real bot on good days and bad: no configured secret is ever said, logged or stored, in whatever form. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Bot, startBot } from '../../sandbox/bot.js'
import { freePort } from '../../sandbox/free-port.js'
import { CLIENT, PERSON, REFRESH_TOKEN } from '../../sandbox/providers/cloud-foundry-lists.js'
import { starters } from '../../sandbox/providers/index.js'
import { REGION_TOKEN } from '../../sandbox/providers/rainbond-faults.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import type { Actor } from '../../sandbox/slack/person.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { type Middleman, startMiddleman } from '../helpers/middleman.js'
import { isDone } from '../helpers/world.js'

const slack = {
  signingSecret: 'sandbox/signing+secret=4711',
  botToken: 'xoxb-4711-sandbox-bot-token',
  appToken: 'xapp-1-sandbox-app-token',
}
/** No two containers of Hoody may have the same. */
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIwoolwoolwoolNUMBER ann@laptop'

/** The shortest way to a job of each connection: answers by the field's label. */
const journeys: Record<string, { command: string; picks: Record<string, string>; texts: Record<string, string> }> = {
  'cloud-foundry': {
    command: 'clone',
    picks: { App: 'shop-api', 'Target space': 'staging' },
    texts: { 'Name of the clone': 'shop-NUMBER', 'Host name': 'shop-NUMBER' },
  },
  coolify: {
    command: 'clone',
    picks: { Application: 'shop-web', 'Target environment': 'Shop / staging', 'Target server': 'flock-hel-1' },
    texts: { 'Name of the clone': 'shop-NUMBER' },
  },
  hoody: {
    command: 'copy',
    picks: { Container: 'billing', 'Target project': 'woolworks-staging' },
    texts: { 'Name of the copy': 'shop-NUMBER', 'SSH public key': sshKey },
  },
  miget: {
    command: 'clone',
    picks: { 'Source app': 'shop-api', 'Target project': 'woolworks-staging', Resource: 'migetlamb' },
    texts: { 'Label of the clone': 'Shop NUMBER', 'Name of the clone': 'shop-NUMBER' },
  },
  qovery: {
    command: 'clone',
    picks: { Service: 'shop-api (Shop / production)', 'Target environment': 'staging' },
    texts: { 'Name of the clone': 'shop-NUMBER' },
  },
  rainbond: {
    command: 'copy',
    picks: { App: 'Production / Frankfurt / shop', 'Target team and region': 'Staging / Frankfurt' },
    texts: { 'Name of the new app': 'shop-NUMBER' },
  },
}

const everyone = { owner: '#platform', access: [{ who: 'members', may: '*', on: '*' }] }

/** A secret as it is, in JSON, in an address, and in base64 behind any number of other letters. */
function formsOf(secret: string): string[] {
  const encoded = ['', 'a', 'ab'].map((before) => {
    const text = Buffer.from(before + secret).toString('base64')
    return text.slice(before.length === 0 ? 0 : before.length + 1, text.replaceAll('=', '').length - 1)
  })
  const forWeb = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...encoded, ...forWeb]
}

describe('secrets', () => {
  let folder: string
  let workspace: Workspace
  let simulators: Simulator[]
  let middlemen: Map<string, Middleman>
  let door: Middleman
  let secrets: Record<string, string>
  let env: Record<string, string>
  let modes: Record<'http' | 'socket', Record<string, string>>
  let mode: 'http' | 'socket'
  const logs: string[] = []
  /** Everything that anybody saw at any time. */
  const seen = new Set<string>()
  let number = 0

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dolly-secrets-'))
    simulators = await Promise.all(starters.map((start) => start({ cloneMs: 300 })))
    workspace = await startWorkspace({ simulators, ...slack })
    middlemen = new Map()
    const connections: Record<string, Record<string, string>> = {}
    secrets = { ...slack, password: PERSON.password, refresh: REFRESH_TOKEN, region: REGION_TOKEN }
    for (const { id, connection } of simulators) {
      const { origin, pathname } = new URL(connection.url ?? '')
      const middleman = await startMiddleman(origin)
      middlemen.set(id, middleman)
      const variable = `${id.replace('-', '_').toUpperCase()}_SECRET`
      const key = 'token' in connection ? 'token' : 'clientSecret'
      secrets[variable] = connection[key] ?? ''
      const url = `${middleman.url}${pathname === '/' ? '' : pathname}`
      connections[id] = { provider: id, ...connection, url, [key]: `\${${variable}}` }
    }
    const { url = '' } = connections['cloud-foundry'] ?? {}
    // Two more ways to log in, with the secrets in the file itself.
    connections['cf-person'] = { provider: 'cloud-foundry', url, ...PERSON }
    connections['cf-refresh'] = { provider: 'cloud-foundry', url, refreshToken: REFRESH_TOKEN }
    writeFileSync(join(folder, 'dolly.yml'), stringify({ poll: { everySeconds: 1 }, connections, ...everyone }))

    const port = await freePort()
    door = await startMiddleman(`http://127.0.0.1:${port}`)
    const { SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, ...shared } = workspace.env
    env = { ...shared, ...secrets, PORT: `${port}`, LOG_LEVEL: 'trace' }
    modes = { http: { SLACK_SIGNING_SECRET }, socket: { SLACK_APP_TOKEN } }
  }, 30_000)

  afterAll(async () => {
    await Promise.all([workspace.close(), door.close()])
    await Promise.all([...middlemen.values(), ...simulators].map((one) => one.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (more: Record<string, string> = {}) =>
    startBot(folder, { ...env, ...modes[mode], ...more }, (text) => void logs.push(text))

  function look(): void {
    for (const { id } of Object.values(workspace.people)) seen.add(JSON.stringify(workspace.snapshot(id)))
  }

  function middleman(id: string): Middleman {
    const found = middlemen.get(id)
    if (!found) throw new Error(`There is no ${id}.`)
    return found
  }

  /** Opens the form and fills it in, up to the last page. */
  async function fillIn(person: Actor, id: string, { withKey }: { withKey: boolean }): Promise<string> {
    const journey = journeys[id]
    if (!journey) throw new Error(`There is no journey for ${id}.`)
    number += 1
    const own = `${number}`
    await person.write(workspace.channels.platform.id, `/clone-app ${id} ${journey.command}`)
    await person.waitForView((view) => view.callback_id === 'operation_form', 15_000)
    const block = (label: string) => {
      const blocks = (person.topView()?.blocks ?? []) as { block_id: string; label?: { text: string } }[]
      return blocks.find((one) => one.label?.text === label)?.block_id ?? label
    }
    for (const [label, pick] of Object.entries(journey.picks)) {
      // A list that depends on the choice before is there once the form was redrawn.
      const find = async () => (await person.options(block(label), pick)).find(({ value }) => value !== '!')?.value
      await expect.poll(find, { timeout: 15_000 }).toBeDefined()
      await person.choose(block(label), (await find()) ?? pick, pick)
    }
    const texts = Object.entries(journey.texts)
      .filter(([, text]) => withKey || text !== sshKey)
      .map(([label, text]) => [block(label), text.replace('NUMBER', own)])
    expect(await person.submit(Object.fromEntries(texts))).toEqual({})
    await person.waitForView((view) => view.callback_id === 'operation_preview', 15_000)
    look()
    return `shop-${own}`
  }

  function databaseBytes(): Buffer {
    const files = ['dolly.db', 'dolly.db-wal', 'dolly.db-shm'].map((name) => join(folder, 'data', name))
    return Buffer.concat(files.filter(existsSync).map((file) => readFileSync(file)))
  }

  /** Searches for every secret, and in the log also for what only requests, answers and messages of Slack hold. */
  function expectNone(said: Record<string, string> & { log: string }): void {
    for (const [where, text] of Object.entries(said)) {
      for (const [name, secret] of Object.entries(secrets)) {
        const found = formsOf(secret).filter((form) => text.includes(form))
        expect({ where, name, found }).toEqual({ where, name, found: [] })
      }
    }
    const shown = [
      'private_metadata',
      'response_url',
      'trigger_id',
      'channel_name',
      '/clone-app',
      'blocks',
      'woolwoolwool',
    ]
    expect(shown.filter((words) => said.log.includes(words))).toEqual([])
    expect(said.log).toContain('"level":20')
  }

  it('are nowhere: not in a log, message, form, list or error, nor in the database', async () => {
    mode = 'http'
    workspace.setRequestUrl(`${door.url}/slack/events`)
    // Starts that fail say why.
    await expect(start({ SLACK_BOT_TOKEN: `${slack.botToken}-revoked` })).rejects.toThrow(
      /Slack refuses SLACK_BOT_TOKEN/,
    )
    writeFileSync(
      join(folder, 'broken.yml'),
      `connections:\n  hoody: { provider: hoody, url: "http://${CLIENT.clientSecret}.example", tokn: "\${HOODY_SECRET}" }\n  cf: [${PERSON.password}`,
    )
    await expect(start({ DOLLY_CONFIG: 'broken.yml' })).rejects.toThrow(/Dolly can't start/)
    writeFileSync(
      join(folder, 'wrong.yml'),
      stringify({ connections: { cf: { provider: 'cloud-foundry', url: `http://x.example`, ...PERSON, ...CLIENT } } }),
    )
    await expect(start({ DOLLY_CONFIG: 'wrong.yml' })).rejects.toThrow(/Dolly can't start/)

    // Lists that are refused, by vendors that quote what they refuse.
    const people = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)] as const
    let bot: Bot = await start()
    for (const one of middlemen.values()) one.quoteBack(401)
    const all = [...Object.keys(journeys).map((id) => `${id} ${journeys[id]?.command}`)]
    for (const [at, command] of [...all, 'cf-person clone', 'cf-refresh clone'].entries()) {
      const person = people[at % 2] ?? people[0]
      await person.write(workspace.channels.platform.id, `/clone-app ${command}`)
      await person.waitForView((view) => JSON.stringify(view.blocks).includes('Type the ID for now'), 15_000)
      look()
      while (person.topView()) await person.close()
    }
    await people[0].write(workspace.channels.platform.id, '/clone-app help')
    await people[0].write(workspace.channels.platform.id, '/clone-app hoddy')
    expect(await bot.kill('SIGTERM')).toBe(0)
    for (const one of middlemen.values()) one.quoteBack(null)
    bot = await start()

    // Writes that are refused, that break, and one that works.
    const told = { 403: /failed/, 500: /answered 500/ }
    await Promise.all(
      people.map(async (person, half) => {
        for (const id of Object.keys(journeys).filter((_, at) => at % 2 === half)) {
          for (const status of [403, 500] as const) {
            const name = await fillIn(person, id, { withKey: status === 403 })
            middleman(id).quoteBack(status)
            expect(await person.submit()).toEqual({})
            const isTold = (text: string) => text.toLowerCase().includes(name) && told[status].test(text)
            await person.waitForMessage(({ text }) => isTold(text), 45_000)
            look()
            middleman(id).quoteBack(null)
          }
        }
      }),
    )
    const name = await fillIn(people[0], 'hoody', { withKey: true })
    expect(await people[0].submit()).toEqual({})
    await people[0].waitForMessage(({ text }) => text.includes(name) && isDone(text), 45_000)
    look()
    const whileUp = databaseBytes()
    expect(await bot.kill('SIGTERM')).toBe(0)

    const said = {
      log: logs.join(''),
      'messages, forms and lists': [...seen].join('\n'),
      'calls to Slack': JSON.stringify(workspace.calls()),
      'answers to Slack': door.answers(),
      database: whileUp.toString('latin1'),
      'database afterwards': databaseBytes().toString('latin1'),
    }
    // The quotes did arrive, with the secrets redacted: otherwise the search above would prove nothing.
    for (const [where, text] of Object.entries(said))
      expect(text.includes('shop-') || where === 'log', where).toBe(true)
    for (const where of ['messages, forms and lists', 'calls to Slack'] as const) {
      expect(said[where].includes('no to ••••'), where).toBe(true)
    }
    expectNone(said)
    for (const words of ['http request body', 'http request result', 'ack() call begins'])
      expect(said.log).toContain(words)
    // The key was personal, and its jobs have ended; the provider had quoted it.
    for (const where of ['calls to Slack', 'log', 'database afterwards'] as const) {
      expect(said[where].includes('AAAAIwoolwoolwool'), where).toBe(false)
    }
    expect(said.log.includes('••••')).toBe(true)
  }, 180_000)

  it('are nowhere in Socket Mode either, nor is what came and went over the socket in its log', async () => {
    mode = 'socket'
    workspace.setRequestUrl(undefined)
    // The jobs from before would go on, and write down what providers quoted at them.
    rmSync(join(folder, 'data'), { recursive: true, force: true })
    logs.length = 0
    await expect(start({ SLACK_APP_TOKEN: `${slack.appToken}-revoked` })).rejects.toThrow(
      /Slack refuses SLACK_APP_TOKEN/,
    )
    const bot = await start()
    const ann = workspace.as(workspace.people.ann.id)
    const name = await fillIn(ann, 'hoody', { withKey: true })
    expect(await ann.submit()).toEqual({})
    await ann.waitForMessage(({ text }) => text.includes(name) && isDone(text), 45_000)
    look()
    const whileUp = databaseBytes().toString('latin1')
    expect(await bot.kill('SIGTERM')).toBe(0)

    const log = logs.join('')
    const afterwards = databaseBytes().toString('latin1')
    const calls = JSON.stringify(workspace.calls())
    expectNone({ log, calls, 'what was seen': [...seen].join('\n'), database: whileUp + afterwards })
    for (const words of ['Received a message on the WebSocket', 'Sending a WebSocket message'])
      expect(log).toContain(words)
    // Nobody quoted an answer here, so none stands anywhere but where it belongs.
    expect([calls.includes(name), log.includes(name), log.includes('billing')]).toEqual([true, false, false])
    for (const text of [log, calls, afterwards]) expect(text.includes('AAAAIwoolwoolwool')).toBe(false)
  }, 90_000)
})
