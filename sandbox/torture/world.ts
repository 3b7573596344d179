/** Slack, the providers and the proxies before them, on a machine with all the faults of the plan. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { writeConfig } from '../bot.js'
import { freePort } from '../free-port.js'
import { startCloudFoundry } from '../providers/cloud-foundry.js'
import { startCoolify } from '../providers/coolify.js'
import { startHoody } from '../providers/hoody.js'
import { startMiget } from '../providers/miget.js'
import { startQovery } from '../providers/qovery.js'
import { startRainbond } from '../providers/rainbond.js'
import type { Simulator } from '../providers/simulator.js'
import type { Message } from '../slack/protocol.js'
import { startWorkspace, type Workspace } from '../slack/workspace.js'
import { type BotProcess, createBotProcess } from './bot-process.js'
import type { Fault, Mode, Trigger } from './plan.js'
import { type FaultProxy, startProxy } from './proxy.js'
import { APPROVERS_NEEDED } from './steering.js'

export interface World {
  workspace: Workspace
  simulators: readonly Simulator[]
  /** By provider, and `slack`. */
  proxies: ReadonlyMap<string, FaultProxy>
  /** Two processes on one database file: one works, the other waits for its end. */
  bots: readonly [BotProcess, BotProcess]
  /** The one that works, or did last, and the other one. */
  roles(): [active: BotProcess, standby: BotProcess]
  /** Resolves when either of them is up. */
  ready(): Promise<void>
  /** How Slack reaches the bots that are started from now on. None may run. */
  reachBy(mode: Mode): void
  /** Takes the database away, and answers with the folder where the next one will be. No bot may run. */
  empty(): string
  inject(fault: Fault): void
  /** Acts at the next of these, in the same turn of the loop. Answers with how to call that off. */
  onNext(trigger: Trigger, act: () => void): () => void
  /** Lifts all faults, but leaves the clock as it is, as a real machine would. */
  heal(): void
  /** Faults that came about, by kind. */
  injected(): Readonly<Record<string, number>>
  /** What the lock of the database did. */
  lock: LockReport
  /** The provider's own list of what exists. */
  rowsOf(provider: string): readonly (readonly string[])[]
  /** Rows of the bot's own database, read from outside. */
  rows<T>(sql: string, ...values: string[]): T[]
  /** Changes them, while no bot runs. Answers with how many; none where the database can't be had. */
  change(sql: string, ...values: (string | number)[]): number
  /** All that people see in Slack. */
  messages(): Message[]
  close(): Promise<void>
}

export interface LockReport {
  /** Times that two processes were up on one database. */
  bothUp: number
  /** Processes that gave up waiting for the other one, and those of them that named it. */
  keptOut: number
  namedHolder: number
  takeovers: number
}

const CLONE_MS = 1_200
const preload = new URL('bad-machine.mjs', import.meta.url)

/**
 * @param count how many things to clone from or onto there must be, where a provider bounds them.
 * @param canReadHistory whether the bot may read Slack's channels, to find its own messages.
 */
export async function startWorld(count: number, canReadHistory: boolean): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-torture-'))
  const simulators = await Promise.all([
    startCloudFoundry({ cloneMs: CLONE_MS, count }),
    startCoolify({ cloneMs: CLONE_MS }),
    startHoody({ cloneMs: CLONE_MS, count }),
    startMiget({ cloneMs: CLONE_MS, count: Math.ceil(count / 6) + 1 }),
    startQovery({ cloneMs: CLONE_MS }),
    startRainbond({ cloneMs: CLONE_MS }),
  ])
  // Without the providers' panels, because there is no page here.
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  const history = ['channels:history', 'groups:history', 'im:history']
  const workspace = await startWorkspace({ scopes: canReadHistory ? [...usual, ...history] : usual })
  const proxies = new Map<string, FaultProxy>()
  const isPost = (_: string, path: string) => /\/chat\.(postMessage|update)$/.test(path)
  // Conversations of two have ids that begin with another letter, or that of a person.
  const isToChannel = (path: string, body: string) =>
    path.endsWith('/chat.postMessage') && new URLSearchParams(body).get('channel')?.startsWith('C') === true
  proxies.set('slack', await startProxy(workspace.url, isPost, isToChannel))
  // biome-ignore lint/suspicious/noThenProperty: a key of dolly.yml, and nothing awaits this object.
  const expiry = () => ({ then: 'delete' })
  const reached = await Promise.all(
    simulators.map(async ({ id, connection }) => {
      const { origin } = new URL(connection.url ?? '')
      const proxy = await startProxy(origin, (method) => method !== 'GET')
      proxies.set(id, proxy)
      return {
        id,
        connection: { ...connection, url: connection.url?.replace(origin, proxy.url) ?? '', expiry: expiry() },
      }
    }),
  )
  // Access rules are not tested here, but that what Eli asks for must be approved by two.
  const { ann, bo, eli } = workspace.people
  const approval = { by: [ann.id, bo.id], count: APPROVERS_NEEDED }
  const everyone = {
    owner: '#platform',
    access: [
      { who: eli.id, may: '*', on: '*', approval },
      { who: 'members', may: '*', on: '*' },
    ],
  }
  writeConfig(folder, reached, { everySeconds: 1 }, everyone)

  const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_APP_TOKEN } = workspace.env
  let mode: Mode = 'http'
  const ports = [await freePort(), await freePort()] as const
  const lockReport: LockReport = { bothUp: 0, keptOut: 0, namedHolder: 0, takeovers: 0 }
  let active: 0 | 1 = 0
  /** Locks and full disks that are in force. */
  let hold = 0
  const createBot = (own: 0 | 1, other: 0 | 1) =>
    createBotProcess(folder, {
      env: () => ({
        SLACK_API_URL: `${proxies.get('slack')?.url}/api/`,
        SLACK_BOT_TOKEN,
        ...(mode === 'http' ? { SLACK_SIGNING_SECRET, PORT: `${ports[own]}` } : { SLACK_APP_TOKEN }),
        NODE_OPTIONS: `--import ${fileURLToPath(preload)}`,
        SANDBOX_CLOCK: clockFile,
      }),
      isHeldUp: () => hold > 0,
      onUp() {
        if (bots[other].isUp()) lockReport.bothUp += 1
        if (active !== own) lockReport.takeovers += 1
        active = own
        reachBy(mode)
      },
      onKeptOut(log) {
        lockReport.keptOut += 1
        if (log.includes(`process ${bots[other].pid()} on`)) lockReport.namedHolder += 1
      },
    })
  const bots: [BotProcess, BotProcess] = [createBot(0, 1), createBot(1, 0)]
  function reachBy(next: Mode): void {
    mode = next
    workspace.setRequestUrl(mode === 'http' ? `http://127.0.0.1:${ports[active]}/slack/events` : undefined)
  }
  reachBy('http')

  const data = join(folder, 'data')
  const database = join(data, 'dolly.db')
  const [clockFile, fullFile] = [join(folder, 'clock'), join(folder, 'disk-full')]
  const counts: Record<string, number> = {}
  const endings = new Map<NodeJS.Timeout, () => void>()
  const traps = new Set<() => void>()
  /** By how much the clock is off when no passing fault sets it. */
  let clockOffMs = 0

  function lasting(forMs: number, end: () => void): void {
    const timer = setTimeout(() => {
      endings.delete(timer)
      end()
    }, forMs)
    endings.set(timer, end)
  }

  /** Renamed into place, so that no bot reads a half-written file. */
  function put(file: string, content: string): void {
    writeFileSync(`${file}.new`, content)
    renameSync(`${file}.new`, file)
  }

  /** Starts of bots that run now, or begin meanwhile, are not timed. */
  function holdUp(): () => void {
    hold += 1
    for (const bot of bots) bot.excuse()
    return () => {
      hold -= 1
    }
  }

  /** Answers whether the database could be locked right now. */
  function lock(forMs: number): boolean {
    if (!existsSync(database)) return false
    const holder = new Sqlite(database, { timeout: 50 })
    try {
      holder.exec('begin exclusive')
    } catch {
      holder.close()
      return false
    }
    const release = holdUp()
    lasting(forMs, () => {
      holder.exec('rollback')
      holder.close()
      release()
    })
    return true
  }

  function fillDisk({ words, forMs }: Fault & { kind: 'full disk' }): void {
    put(fullFile, words)
    const release = holdUp()
    lasting(forMs, () => {
      rmSync(fullFile, { force: true })
      release()
    })
  }

  function onNext(trigger: Trigger, act: () => void): () => void {
    const watched = [...proxies].filter(([of]) => trigger === 'time-out' || (of === 'slack') === (trigger === 'post'))
    const callOffs = watched.map(([, proxy]) => (trigger === 'time-out' ? proxy.onGivenUp(once) : proxy.onWrite(once)))
    function callOff(): void {
      for (const one of callOffs) one()
    }
    function once(): void {
      callOff()
      act()
    }
    return callOff
  }

  function apply(fault: Fault): boolean {
    switch (fault.kind) {
      case 'mishap':
        proxies.get(fault.of)?.plan(fault.accident, fault.times)
        return true
      case 'down':
        proxies.get(fault.of)?.setDown(true)
        lasting(fault.forMs, () => proxies.get(fault.of)?.setDown(false))
        return true
      case 'failure':
        simulators.find(({ id }) => id === fault.of)?.setSwitch(fault.failure, true)
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
        if (!bots[fault.which].isRunning()) return false
        lasting(fault.forMs, bots[fault.which].freeze())
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
    proxies,
    bots,
    roles: () => [bots[active], bots[active === 0 ? 1 : 0]],
    ready: async () => await Promise.race(bots.map((bot) => bot.ready())),
    reachBy,
    lock: lockReport,
    empty() {
      rmSync(data, { recursive: true, force: true })
      mkdirSync(data)
      return data
    },
    onNext,
    inject(fault) {
      // Proxies count their own accidents, where they happen.
      if (apply(fault) && fault.kind !== 'mishap') counts[nameOf(fault)] = (counts[nameOf(fault)] ?? 0) + 1
    },
    heal() {
      for (const [timer, end] of endings) {
        clearTimeout(timer)
        end()
      }
      endings.clear()
      for (const callOff of traps) callOff()
      for (const proxy of proxies.values()) proxy.heal()
      for (const simulator of simulators) {
        for (const { id, on } of simulator.switches()) if (on) simulator.setSwitch(id, false)
      }
    },
    injected() {
      const happened = [...proxies].flatMap(([of, proxy]) =>
        Object.entries(proxy.happened()).map(
          ([mishap, times]) => [`${of === 'slack' ? 'Slack' : 'provider'}: ${mishap}`, times] as const,
        ),
      )
      const hits = bots
        .flatMap((bot) => [...bot.diskFullAt()])
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
    change(sql, ...values) {
      if (!existsSync(database)) return 0
      const writer = new Sqlite(database, { timeout: 50 })
      try {
        return writer.prepare(sql).run(...values).changes
      } catch {
        return 0
      } finally {
        writer.close()
      }
    },
    messages() {
      const all = Object.values(workspace.people).flatMap(({ id }) => workspace.snapshot(id).messages)
      return [...new Map(all.map((one) => [`${one.channel} ${one.ts}`, one])).values()].sort((one, other) =>
        one.ts < other.ts ? -1 : 1,
      )
    },
    async close() {
      await Promise.all(bots.map((bot) => bot.kill()))
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()))
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
    case 'failure':
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
