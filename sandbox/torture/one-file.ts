/** Two processes on one SQLite file: one works, the other waits for its end. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { freePort } from '../free-port.js'
import { type BotProcess, createBotProcess } from './bot-process.js'
import type { Fault, Mode } from './plan.js'
import type { Deployment, Site, World } from './world.js'

export interface OnOneFile extends Deployment {
  bots: readonly [BotProcess, BotProcess]
  /** The one that works, or did last, and the other one. */
  roles(): [active: BotProcess, standby: BotProcess]
  /** Takes the database away, and answers with the folder where the next one will be. No bot may run. */
  empty(): string
  /** What the lock of the database did. */
  lock: LockReport
}

export type FileWorld = World & OnOneFile

export interface LockReport {
  /** Times that two processes were up on one database. */
  bothUp: number
  /** Processes that gave up waiting for the other one, and those of them that named it. */
  keptOut: number
  namedHolder: number
  takeovers: number
}

const preload = new URL('bad-machine.mjs', import.meta.url)

export async function deployOnOneFile(site: Site): Promise<OnOneFile> {
  const { folder, workspace, proxies, lasting } = site
  site.configure(folder, 0)
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
        SLACK_API_URL: `${proxies.get('slack')?.urls[0]}/api/`,
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
  /** By how much the clock is off when no passing fault sets it. */
  let clockOffMs = 0

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
    replaceFile(fullFile, words)
    const release = holdUp()
    lasting(forMs, () => {
      rmSync(fullFile, { force: true })
      release()
    })
  }

  return {
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
    injectOwn(fault) {
      switch (fault.kind) {
        case 'locked':
          return lock(fault.forMs)
        case 'full disk':
          if (fault.from === 'now') fillDisk(fault)
          else site.trap(fault.from, () => fillDisk(fault))
          return true
        case 'frozen': {
          const bot = bots[fault.which]
          if (!bot?.isRunning()) return false
          lasting(fault.forMs, bot.freeze())
          return true
        }
        case 'clock':
          if (fault.forMs === null) clockOffMs = fault.byMs
          else lasting(fault.forMs, () => replaceFile(clockFile, `${clockOffMs}`))
          replaceFile(clockFile, `${fault.byMs}`)
          return true
        // Of Postgres.
        case 'away':
        case 'cut':
          return false
      }
    },
    settled: async () => {},
    async rows<T>(sql: string, ...values: string[]) {
      if (!existsSync(database)) return []
      const reader = new Sqlite(database, { readonly: true, timeout: 1_000 })
      try {
        return reader.prepare<string[], T>(sql).all(...values)
      } finally {
        reader.close()
      }
    },
    async change(sql, ...values) {
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
    diskFullAt: () =>
      bots.flatMap((bot) => [...bot.diskFullAt()]).map(([what, n]) => [`disk full at: ${what}`, n] as const),
    shutDown: async () => {},
  }
}

/** Renamed into place, so that no bot reads a half-written file. */
export function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}
