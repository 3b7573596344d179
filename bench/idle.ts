/**
 * What the bot asks its database for while nothing happens: the built bot with five connections, ticking every two seconds as it does
 * by default. Statements a second on SQLite, then transactions a second of each of three replicas on Postgres. Takes a minute.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startBot, writeConfig } from '../sandbox/bot.js'
import { startPostgres } from '../sandbox/postgres.js'
import { startCloudFoundry } from '../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../sandbox/providers/hoody.js'
import { startMiget } from '../sandbox/providers/miget.js'
import { startQovery } from '../sandbox/providers/qovery.js'
import { startRainbond } from '../sandbox/providers/rainbond.js'
import { startWorkspace } from '../sandbox/slack/workspace.js'

/** After the start, and the first purge of old drafts. */
const SETTLE_MS = 5_000
const MEASURE_MS = 20_000
const REPLICAS = 3

const folder = mkdtempSync(join(tmpdir(), 'dolly-idle-'))
const simulators = await Promise.all([startHoody(), startQovery(), startMiget(), startRainbond(), startCloudFoundry()])
const workspace = await startWorkspace({ simulators })
const { SLACK_SIGNING_SECRET: _, ...env } = workspace.env
writeConfig(folder, simulators, { everySeconds: 2 })
const what = `${simulators.length} connections, nothing to do`

await measureSqlite()
await measurePostgres()
await Promise.all([workspace.close(), ...simulators.map((simulator) => simulator.close())])
rmSync(folder, { recursive: true, force: true })

async function measureSqlite(): Promise<void> {
  const countFile = join(folder, 'count')
  const counter = fileURLToPath(new URL('count-queries.cjs', import.meta.url))
  const bot = await startBot(folder, { ...env, COUNT_FILE: countFile, NODE_OPTIONS: `--require ${counter}` })
  const perSecond = await rateOf(async () => Number(readFileSync(countFile, 'utf8')))
  console.log(`SQLite, ${what}: ${perSecond.toFixed(1)} statements a second`)
  await bot.kill('SIGTERM')
}

async function measurePostgres(): Promise<void> {
  const server = await startPostgres()
  const watcher = new pg.Client(server.url)
  await watcher.connect()
  await watcher.query('create database idle')
  const DATABASE_URL = Object.assign(new URL(server.url), { pathname: '/idle' }).href
  const bots = []
  for (let count = 0; count < REPLICAS; count += 1) bots.push(await startBot(folder, { ...env, DATABASE_URL }))
  const perSecond = await rateOf(async () => {
    const { rows } = await watcher.query<{ count: string }>(
      "select xact_commit + xact_rollback as count from pg_stat_database where datname = 'idle'",
    )
    return Number(rows[0]?.count)
  })
  const each = (perSecond / REPLICAS).toFixed(1)
  console.log(`Postgres, ${REPLICAS} replicas, ${what}: ${each} transactions a second for each`)
  await Promise.all(bots.map((bot) => bot.kill('SIGTERM')))
  await watcher.end()
  await server.remove()
}

/** How much a count grows in a second. */
async function rateOf(count: () => Promise<number>): Promise<number> {
  await delay(SETTLE_MS)
  const [before, startedAt] = [await count(), performance.now()]
  await delay(MEASURE_MS)
  return ((await count()) - before) / ((performance.now() - startedAt) / 1_000)
}
