/** Slack, the five providers and the lines to them, on a machine that can be made bad in all the ways of the plan. */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
import type { Fault } from './plan.js'
import { type Line, startLine } from './proxy.js'
import { createStall, type Stall } from './stall.js'

export interface World {
  workspace: Workspace
  simulators: readonly Simulator[]
  /** By provider, and `slack`. */
  lines: ReadonlyMap<string, Line>
  /** The first hears Slack; the second shares its database, works and tells. */
  stalls: readonly [Stall, Stall]
  cause(fault: Fault): void
  /** Ends everything that was caused. */
  heal(): void
  /** What came about, by kind. */
  caused(): Readonly<Record<string, number>>
  /** Rows of the bot's own database, read from outside. */
  rows<T>(sql: string, ...values: string[]): T[]
  /** All that people see in Slack. */
  messages(): Message[]
  close(): Promise<void>
}

const cloneMs = 1_200
const preload = new URL('bad-machine.mjs', import.meta.url)

/** @param count how many things to clone from or onto there must be, where a provider bounds them. */
export async function startWorld(count: number): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-torture-'))
  const simulators = await Promise.all([
    startCloudFoundry({ cloneMs, count }),
    startHoody({ cloneMs, count }),
    startMiget({ cloneMs, count: Math.ceil(count / 6) + 1 }),
    startQovery({ cloneMs }),
    startRainbond({ cloneMs }),
  ])
  // Without the providers' panels: nobody looks at a page here.
  const workspace = await startWorkspace()
  const lines = new Map<string, Line>()
  const isPost = (_: string, path: string) => /\/chat\.(postMessage|update)$/.test(path)
  lines.set('slack', await startLine(workspace.url, isPost))
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

  const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET } = workspace.env
  const stallOn = (port: number) =>
    createStall(folder, {
      SLACK_API_URL: `${lines.get('slack')?.url}/api/`,
      SLACK_BOT_TOKEN,
      SLACK_SIGNING_SECRET,
      PORT: `${port}`,
      NODE_OPTIONS: `--import ${fileURLToPath(preload)}`,
    })
  const port = await freePort()
  workspace.setRequestUrl(`http://127.0.0.1:${port}/slack/events`)
  const stalls: [Stall, Stall] = [stallOn(port), stallOn(await freePort())]

  const database = join(folder, 'data/dolly.db')
  const [clockFile, fullFile] = [join(folder, 'clock'), join(folder, 'disk-full')]
  const counts: Record<string, number> = {}
  const endings = new Map<NodeJS.Timeout, () => void>()

  function lasting(forMs: number, end: () => void): void {
    const timer = setTimeout(() => {
      endings.delete(timer)
      end()
    }, forMs)
    endings.set(timer, end)
  }

  function setClock(byMs: number): void {
    // Renamed into place, lest a half-written file be read.
    writeFileSync(`${clockFile}.new`, `${byMs}`)
    renameSync(`${clockFile}.new`, clockFile)
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

  function come(fault: Fault): boolean {
    switch (fault.kind) {
      case 'mishap':
        lines.get(fault.of)?.plan(fault.mishap, fault.on, fault.times)
        return true
      case 'down':
        lines.get(fault.of)?.setDown(true)
        lasting(fault.forMs, () => lines.get(fault.of)?.setDown(false))
        return true
      case 'mood':
        simulators.find(({ id }) => id === fault.of)?.setSwitch(fault.mood, true)
        return true
      case 'locked':
        return lock(fault.forMs)
      case 'full disk':
        writeFileSync(fullFile, '')
        lasting(fault.forMs, () => rmSync(fullFile, { force: true }))
        return true
      case 'clock':
        setClock(fault.byMs)
        lasting(fault.forMs, () => setClock(0))
        return true
    }
  }

  return {
    workspace,
    simulators,
    lines,
    stalls,
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
      const sums: Record<string, number> = { ...counts }
      for (const [name, times] of happened) sums[name] = (sums[name] ?? 0) + times
      return sums
    },
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
    case 'locked':
      return 'database: locked (SQLITE_BUSY)'
    case 'full disk':
      return 'database: disk full (SQLITE_FULL)'
    case 'clock':
      return 'machine: clock off by minutes'
    case 'mishap':
      return fault.mishap
  }
}
