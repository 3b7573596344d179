/**
 * How many statements a second the bot sends to its database while nothing happens: the built bot with five connections,
 * ticking every two seconds as it does by default. Takes about half a minute.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startBot, writeConfig } from '../sandbox/bot.js'
import { startCloudFoundry } from '../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../sandbox/providers/hoody.js'
import { startMiget } from '../sandbox/providers/miget.js'
import { startQovery } from '../sandbox/providers/qovery.js'
import { startRainbond } from '../sandbox/providers/rainbond.js'
import { startWorkspace } from '../sandbox/slack/workspace.js'

/** After the start, and the first purge of old drafts. */
const SETTLE_MS = 5_000
const MEASURE_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'dolly-idle-'))
const simulators = await Promise.all([startHoody(), startQovery(), startMiget(), startRainbond(), startCloudFoundry()])
const workspace = await startWorkspace({ simulators })
const { SLACK_SIGNING_SECRET: _, ...env } = workspace.env
writeConfig(folder, simulators, { everySeconds: 2 })
const countFile = join(folder, 'count')
const counter = fileURLToPath(new URL('count-queries.cjs', import.meta.url))
const bot = await startBot(folder, { ...env, COUNT_FILE: countFile, NODE_OPTIONS: `--require ${counter}` })
const count = () => Number(readFileSync(countFile, 'utf8'))

await delay(SETTLE_MS)
const [before, startedAt] = [count(), performance.now()]
await delay(MEASURE_MS)
const perSecond = (count() - before) / ((performance.now() - startedAt) / 1_000)
console.log(`${simulators.length} connections, nothing to do: ${perSecond.toFixed(1)} statements a second`)

await bot.kill('SIGTERM')
await Promise.all([workspace.close(), ...simulators.map((simulator) => simulator.close())])
rmSync(folder, { recursive: true, force: true })
