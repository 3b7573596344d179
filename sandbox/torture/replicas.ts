/** Several replicas on one Postgres, each on a machine of its own: behind a balancer, or with a socket each. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import * as listed from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'
import { freePort } from '../free-port.js'
import { startPostgres } from '../postgres.js'
import { startBalancer } from './balancer.js'
import { type BotProcess, createBotProcess } from './bot-process.js'
import { replaceFile } from './one-file.js'
import type { Fault, Mode } from './plan.js'
import { type Takeover, watchTakeover } from './takeover.js'
import type { Deployment, Site, World } from './world.js'

export interface Replicas extends Deployment {
  /** Puts the replicas that are started from now on onto a new database. */
  empty(): Promise<void>
  /** SIGKILL, and from then on what the others do about its work is watched. */
  kill(bot: BotProcess): Promise<void>
  sharing(): SharingReport
}

export type ReplicaWorld = World & Replicas

export interface SharingReport {
  /** Writes that went to a connection while as many were under way as may be. */
  tooManyWrites: readonly string[]
  takeovers: readonly Takeover[]
}

/** The clock of the last replica is ahead for good. In milliseconds. */
const AHEAD_MS = 30_000
/** How long a write takes in the middle of which Postgres goes away, in milliseconds; the bot waits for 60 s. */
const SLOW_WRITE_MS = 50_000
const SLOW_PROVIDER = 'cloud-foundry'
/** Postgres goes away after so long if nobody asks for such a write. In milliseconds. */
const SLOW_WRITE_WITHIN_MS = 10_000
/** How long a query waits for a Postgres that is away, in milliseconds. */
const AWAY_WITHIN_MS = 40_000
const clock = new URL('../clock.mjs', import.meta.url)

/** How many writes of a connection may be under way at once where its provider says nothing, as in src/jobs/write.ts. */
const DEFAULT_MAX_CONCURRENT_WRITES = 4
const LOGIN = '/oauth/token'

export async function deployReplicas(count: number, site: Site): Promise<Replicas> {
  const { folder, workspace, proxies, lasting } = site
  const server = await startPostgres({ isDurable: true })
  const pool = new pg.Pool({ connectionString: server.url, max: 1 })
  pool.on('error', () => {})
  let databases = 0
  let database: { url: string; pool: pg.Pool } | undefined
  let mode: Mode = 'http'
  const ports: number[] = []
  const bots: BotProcess[] = []
  const clocks: string[] = []
  const clocksOffMs: number[] = []
  for (let which = 0; which < count; which += 1) {
    const port = await freePort()
    const own = join(folder, `replica-${which}`)
    const clockFile = join(own, 'clock')
    mkdirSync(own)
    site.configure(own, which)
    const offMs = which === count - 1 ? AHEAD_MS : 0
    replaceFile(clockFile, `${offMs}`)
    ports.push(port)
    clocks.push(clockFile)
    clocksOffMs.push(offMs)
    const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_APP_TOKEN } = workspace.env
    bots.push(
      createBotProcess(own, {
        env: () => ({
          DATABASE_URL: database?.url ?? '',
          SLACK_API_URL: `${proxies.get('slack')?.urls[which]}/api/`,
          SLACK_BOT_TOKEN,
          ...(mode === 'http' ? { SLACK_SIGNING_SECRET, PORT: `${port}` } : { SLACK_APP_TOKEN }),
          NODE_OPTIONS: `--import ${fileURLToPath(clock)}`,
          SANDBOX_CLOCK: clockFile,
        }),
      }),
    )
  }
  const balancer = await startBalancer(ports)
  const takeovers: Takeover[] = []
  const tooManyWrites: string[] = []
  /** How often Postgres is held down; it starts again when nobody does any more. */
  let downs = 0
  let lastChange: Promise<void> = Promise.resolve()
  /** When Postgres went away last, as `performance.now()` counts. */
  let awayAt = Number.NEGATIVE_INFINITY

  for (const { id, maxConcurrentWrites: limit = DEFAULT_MAX_CONCURRENT_WRITES } of Object.values<Provider>(listed)) {
    proxies.get(id)?.onArrival((waiting) => {
      // A frozen one can't know that its lease is over; what it has sent has long been answered.
      const counted = waiting.filter(({ by, path }) => !bots[by]?.isFrozen() && !path.endsWith(LOGIN))
      if (counted.length <= limit) return
      const words = counted.map(({ by, path }) => `replica ${by} ${path}`).join(', ')
      tooManyWrites.push(`${id}: ${counted.length} at once, ${new Date().toISOString()}: ${words}`)
    })
  }

  function reachBy(next: Mode): void {
    mode = next
    workspace.setRequestUrl(mode === 'http' ? `${balancer.url}/slack/events` : undefined)
  }
  reachBy('http')

  function takeAway(forMs: number): void {
    downs += 1
    awayAt = performance.now()
    lastChange = lastChange.then(async () => {
      if (downs > 0) await server.crash().catch(() => undefined)
    })
    lasting(forMs, () => {
      downs -= 1
      lastChange = lastChange.then(async () => {
        awayAt = performance.now()
        if (downs === 0) await server.start().catch(() => undefined)
      })
    })
  }

  function takeAwayInSlowWrite({ forMs }: Fault & { kind: 'away' }): void {
    const proxy = proxies.get(SLOW_PROVIDER)
    proxy?.plan({ mishap: 'late answer', on: 'write', heldMs: SLOW_WRITE_MS }, 1)
    const callOff = proxy?.onWrite(begin)
    lasting(SLOW_WRITE_WITHIN_MS, begin)
    let hasBegun = false
    function begin(): void {
      callOff?.()
      if (!hasBegun) takeAway(forMs)
      hasBegun = true
    }
  }

  /** Ends connections as an administrator does: the server lives on. */
  async function cut(share: 'all' | 'half'): Promise<void> {
    const some = share === 'all' ? '' : ' and pid % 2 = 0'
    const sql = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dolly'${some}`
    await pool.query(sql).catch(() => undefined)
  }

  async function query<T>(sql: string, values: readonly (string | number)[]) {
    let place = 0
    const numbered = sql.replaceAll('?', () => {
      place += 1
      return `$${place}`
    })
    const deadline = performance.now() + AWAY_WITHIN_MS
    for (;;) {
      try {
        if (!database) throw new Error('There is no database yet.')
        const { rows, rowCount } = await database.pool.query(numbered, [...values])
        return { rows: rows as T[], count: rowCount ?? 0 }
      } catch (error) {
        // A mistake in the statement doesn't pass.
        if (/^42/.test(codeOf(error)) || performance.now() > deadline) throw error
        await delay(200)
      }
    }
  }
  const rows = async <T>(sql: string, ...values: string[]) => (await query<T>(sql, values)).rows

  return {
    bots,
    async ready() {
      const deadline = performance.now() + AWAY_WITHIN_MS
      const isReached = () => (mode === 'http' ? balancer.readyCount() : workspace.connections()) > 0
      do await Promise.race(bots.map((bot) => bot.ready()))
      while (!isReached() && performance.now() < deadline && (await delay(100, true)))
    },
    reachBy,
    async empty() {
      await database?.pool.end()
      databases += 1
      const name = `dolly_${databases}`
      await pool.query(`create database ${name}`)
      const url = Object.assign(new URL(server.url), { pathname: `/${name}` }).href
      const types = { getTypeParser: (type: number) => (type === INT8 ? Number : pg.types.getTypeParser(type)) }
      database = { url, pool: new pg.Pool({ connectionString: url, max: 3, types }) }
      database.pool.on('error', () => {})
    },
    async kill(bot) {
      const witness = bots.find((one) => one !== bot && isEstablished(one))
      const pids = { dead: bot.pid(), witness: witness?.pid() }
      await bot.kill()
      const killedAt = performance.now()
      const isExcused = () =>
        witness === undefined || witness.pid() !== pids.witness || witness.isFrozen() || awayAt > killedAt - AWAY_FOR_MS
      // Not awaited: the next kill comes before that.
      if (pids.dead !== undefined) void watchTakeover(rows, pids.dead, isExcused, (one) => takeovers.push(one))
    },
    sharing: () => ({ tooManyWrites, takeovers }),
    injectOwn(fault) {
      switch (fault.kind) {
        case 'frozen': {
          const bot = bots[fault.which]
          if (!bot?.isRunning()) return false
          lasting(fault.forMs, bot.freeze())
          return true
        }
        case 'clock': {
          const file = clocks[fault.which] ?? ''
          if (fault.forMs === null) clocksOffMs[fault.which] = fault.byMs
          else lasting(fault.forMs, () => replaceFile(file, `${clocksOffMs[fault.which] ?? 0}`))
          replaceFile(file, `${fault.byMs}`)
          return true
        }
        case 'away':
          if (fault.from === 'slow write') takeAwayInSlowWrite(fault)
          else takeAway(fault.forMs)
          return true
        case 'cut':
          void cut(fault.share)
          return true
        // Of a file.
        case 'locked':
        case 'full disk':
          return false
      }
    },
    settled: async () => await lastChange,
    rows,
    change: async (sql, ...values) => (await query(sql, values)).count,
    diskFullAt: () => [],
    async shutDown() {
      await lastChange
      await balancer.close()
      await database?.pool.end()
      await pool.end()
      await server.remove()
    },
  }
}

const INT8 = 20
/** Others take over from a replica that has been up for longer than a lease. In milliseconds. */
const ESTABLISHED_AFTER_MS = 12_000
/** After Postgres was away, everybody may come back before anybody takes over. In milliseconds. */
const AWAY_FOR_MS = 30_000

function isEstablished(bot: BotProcess): boolean {
  const since = bot.upSince()
  return since !== undefined && performance.now() - since > ESTABLISHED_AFTER_MS && !bot.isFrozen()
}

function codeOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : ''
}
