/** Slack, the five providers and the lines to them, on a machine that can be made bad in all the ways of the plan. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { writeConfig } from '../bot.js'
import { freePort } from '../free-port.js'
import { startCloudFoundry } from '../providers/cloud-foundry.js'
import { startHoody } from '../providers/hoody.js'
import { startMiget } from '../providers/miget.js'
import { startQovery } from '../providers/qovery.js'
import { startRainbond } from '../providers/rainbond.js'
import type { Simulator } from '../providers/simulator.js'
import type { Message } from '../slack/protocol.js'
import { startWorkspace, type Workspace } from '../slack/workspace.js'
import type { Fault, Mode, Strike } from './plan.js'
import { type Line, startLine } from './proxy.js'
import { createStall, type Stall } from './stall.js'

export interface World {
  workspace: Workspace
  simulators: readonly Simulator[]
  /** By provider, and `slack`. */
  lines: ReadonlyMap<string, Line>
  /** The first hears Slack; the second shares its database, works and tells. */
  stalls: readonly [Stall, Stall]
  /** How Slack reaches the bots that are started from now on. None may live. */
  reachBy(mode: Mode): void
  /** Takes the database away, and answers with the folder where the next one will be. No bot may live. */
  empty(): string
  cause(fault: Fault): void
  /** Acts at the next of these, in the same turn of the loop. Answers with how to call that off. */
  onNext(strike: Strike, act: () => void): () => void
  /** Ends everything that was caused, but leaves the clock as it was left: nobody sets that right. */
  heal(): void
  /** What came about, by kind. */
  caused(): Readonly<Record<string, number>>
  /** The provider's own list of what exists. */
  rowsOf(provider: string): readonly (readonly string[])[]
  /** Rows of the bot's own database, read from outside. */
  rows<T>(sql: string, ...values: string[]): T[]
  /** All that people see in Slack. */
  messages(): Message[]
  close(): Promise<void>
}

const CLONE_MS = 1_200
const preload = new URL('bad-machine.mjs', import.meta.url)

/**
 * @param count how many things to clone from or onto there must be, where a provider bounds them.
 * @param mayLookBack whether the bot has the right to read what stands in Slack.
 */
export async function startWorld(count: number, mayLookBack: boolean): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-torture-'))
  const simulators = await Promise.all([
    startCloudFoundry({ cloneMs: CLONE_MS, count }),
    startHoody({ cloneMs: CLONE_MS, count }),
    startMiget({ cloneMs: CLONE_MS, count: Math.ceil(count / 6) + 1 }),
    startQovery({ cloneMs: CLONE_MS }),
    startRainbond({ cloneMs: CLONE_MS }),
  ])
  // Without the providers' panels: nobody looks at a page here.
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  const history = ['channels:history', 'groups:history', 'im:history']
  const workspace = await startWorkspace({ scopes: mayLookBack ? [...usual, ...history] : usual })
  const lines = new Map<string, Line>()
  const isPost = (_: string, path: string) => /\/chat\.(postMessage|update)$/.test(path)
  // Conversations of two have ids that begin with another letter, or that of a person.
  const isToChannel = (path: string, body: string) =>
    path.endsWith('/chat.postMessage') && new URLSearchParams(body).get('channel')?.startsWith('C') === true
  lines.set('slack', await startLine(workspace.url, isPost, isToChannel))
  const reached = await Promise.all(
    simulators.map(async (simulator): Promise<Simulator> => {
      const { origin } = new URL(simulator.connection.url ?? '')
      const line = await startLine(origin, (method) => method !== 'GET')
      lines.set(simulator.id, line)
      return {
        ...simulator,
        connection: { ...simulator.connection, url: simulator.connection.url?.replace(origin, line.url) ?? '' },
      }
    }),
  )
  // Who may do what is not what is tried here.
  const everyone = { owner: '#platform', access: [{ who: 'members', may: '*', on: '*' }] }
  writeConfig(folder, reached, { everySeconds: 1 }, everyone)

  const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_APP_TOKEN } = workspace.env
  let mode: Mode = 'http'
  const stallOn = (port: number) =>
    createStall(folder, () => ({
      SLACK_API_URL: `${lines.get('slack')?.url}/api/`,
      SLACK_BOT_TOKEN,
      ...(mode === 'http' ? { SLACK_SIGNING_SECRET, PORT: `${port}` } : { SLACK_APP_TOKEN }),
      NODE_OPTIONS: `--import ${fileURLToPath(preload)}`,
    }))
  const port = await freePort()
  function reachBy(next: Mode): void {
    mode = next
    workspace.setRequestUrl(mode === 'http' ? `http://127.0.0.1:${port}/slack/events` : undefined)
  }
  reachBy('http')
  const stalls: [Stall, Stall] = [stallOn(port), stallOn(await freePort())]

  const data = join(folder, 'data')
  const database = join(data, 'dolly.db')
  const [clockFile, fullFile] = [join(folder, 'clock'), join(folder, 'disk-full')]
  const counts: Record<string, number> = {}
  const endings = new Map<NodeJS.Timeout, () => void>()
  const traps = new Set<() => void>()
  /** By how much the clock is off when nothing passing is going on. */
  let clockOffMs = 0

  function lasting(forMs: number, end: () => void): void {
    const timer = setTimeout(() => {
      endings.delete(timer)
      end()
    }, forMs)
    endings.set(timer, end)
  }

  /** Renamed into place, lest a half-written file be read. */
  function put(file: string, content: string): void {
    writeFileSync(`${file}.new`, content)
    renameSync(`${file}.new`, file)
  }

  /** Whether the database could be had at this moment. */
  function lock(forMs: number): boolean {
    if (!existsSync(database)) return false
    const holder = new Sqlite(database, { timeout: 50 })
    try {
      holder.exec('begin exclusive')
    } catch {
      holder.close()
      return false
    }
    lasting(forMs, () => {
      holder.exec('rollback')
      holder.close()
    })
    return true
  }

  function fillDisk({ words, forMs }: Fault & { kind: 'full disk' }): void {
    put(fullFile, words)
    lasting(forMs, () => rmSync(fullFile, { force: true }))
  }

  function onNext(strike: Strike, act: () => void): () => void {
    const watched = [...lines].filter(([of]) => strike === 'time-out' || (of === 'slack') === (strike === 'post'))
    const forget = watched.map(([, line]) => (strike === 'time-out' ? line.onGivenUp(once) : line.onWrite(once)))
    function callOff(): void {
      for (const one of forget) one()
    }
    function once(): void {
      callOff()
      act()
    }
    return callOff
  }

  function come(fault: Fault): boolean {
    switch (fault.kind) {
      case 'mishap':
        lines.get(fault.of)?.plan(fault.accident, fault.times)
        return true
      case 'down':
        lines.get(fault.of)?.setDown(true)
        lasting(fault.forMs, () => lines.get(fault.of)?.setDown(false))
        return true
      case 'mood':
        simulators.find(({ id }) => id === fault.of)?.setSwitch(fault.mood, true)
        return true
      case 'dialect': {
        const speaker = simulators.find(({ id }) => id === fault.of)
        if (!speaker?.switches().some(({ id }) => id === fault.dialect)) return false
        speaker.setSwitch(fault.dialect, true)
        lasting(fault.forMs, () => speaker.setSwitch(fault.dialect, false))
        return true
      }
      case 'silent socket':
        workspace.silenceSockets(fault.how)
        if (fault.how !== 'mute') lasting(fault.forMs, () => workspace.silenceSockets(undefined))
        return true
      case 'locked':
        return lock(fault.forMs)
      case 'full disk':
        if (fault.from === 'now') fillDisk(fault)
        else traps.add(onNext(fault.from, () => fillDisk(fault)))
        return true
      case 'frozen':
        if (!stalls[fault.which].isRunning()) return false
        lasting(fault.forMs, stalls[fault.which].freeze())
        return true
      case 'clock':
        if (fault.forMs === null) clockOffMs = fault.byMs
        else lasting(fault.forMs, () => put(clockFile, `${clockOffMs}`))
        put(clockFile, `${fault.byMs}`)
        return true
    }
  }

  return {
    workspace,
    simulators,
    lines,
    stalls,
    reachBy,
    empty() {
      rmSync(data, { recursive: true, force: true })
      mkdirSync(data)
      return data
    },
    onNext,
    cause(fault) {
      // Accidents are counted by their lines, where they happen.
      if (come(fault) && fault.kind !== 'mishap') counts[nameOf(fault)] = (counts[nameOf(fault)] ?? 0) + 1
    },
    heal() {
      for (const [timer, end] of endings) {
        clearTimeout(timer)
        end()
      }
      endings.clear()
      for (const callOff of traps) callOff()
      for (const line of lines.values()) line.heal()
      for (const simulator of simulators) {
        for (const { id, on } of simulator.switches()) if (on) simulator.setSwitch(id, false)
      }
    },
    caused() {
      const happened = [...lines].flatMap(([of, line]) =>
        Object.entries(line.happened()).map(
          ([mishap, times]) => [`${of === 'slack' ? 'Slack' : 'provider'}: ${mishap}`, times] as const,
        ),
      )
      const hits = stalls
        .flatMap((stall) => [...stall.hits()])
        .map(([what, n]) => [`disk full at: ${what}`, n] as const)
      const sums: Record<string, number> = { ...counts }
      for (const [name, times] of [...happened, ...hits]) sums[name] = (sums[name] ?? 0) + times
      return sums
    },
    rowsOf: (provider) => simulators.find(({ id }) => id === provider)?.table().rows ?? [],
    rows<T>(sql: string, ...values: string[]) {
      if (!existsSync(database)) return []
      const reader = new Sqlite(database, { readonly: true, timeout: 1_000 })
      try {
        return reader.prepare<string[], T>(sql).all(...values)
      } finally {
        reader.close()
      }
    },
    messages() {
      const all = Object.values(workspace.people).flatMap(({ id }) => workspace.snapshot(id).messages)
      return [...new Map(all.map((one) => [`${one.channel} ${one.ts}`, one])).values()].sort((one, other) =>
        one.ts < other.ts ? -1 : 1,
      )
    },
    async close() {
      await Promise.all(stalls.map((stall) => stall.kill()))
      await Promise.all([...lines.values()].map((line) => line.close()))
      await workspace.close()
      await Promise.all(simulators.map((simulator) => simulator.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case 'down':
      return fault.of === 'slack' ? 'Slack: down' : 'provider: down'
    case 'mood':
      return 'provider: a failure of its own'
    case 'dialect':
      return `provider: speaks as ${fault.of} did before (${fault.dialect})`
    case 'silent socket':
      return `Slack: sockets with ${fault.how === 'mute' ? 'nothing any more' : fault.how}`
    case 'locked':
      return `database: locked (SQLITE_BUSY)${fault.forMs > 6_500 ? ' for 6.5 to 20 s' : ''}`
    case 'full disk':
      return `database: disk full (SQLITE_FULL)${fault.from === 'now' ? '' : ` from a ${fault.from} on`}${fault.words && ` for ${fault.words}`}`
    case 'frozen':
      return 'machine: a process frozen'
    case 'clock':
      return `machine: ${clockName(fault)}`
    case 'mishap':
      return fault.accident.mishap
  }
}

function clockName({ byMs, forMs }: Fault & { kind: 'clock' }): string {
  if (byMs === 0) return 'clock set right'
  const unit = Math.abs(byMs) < 5 * 60_000 ? 'minutes' : 'up to three hours'
  return `clock ${byMs > 0 ? 'ahead' : 'back'} by ${unit}${forMs === null ? ', and left so' : ' for a while'}`
}
