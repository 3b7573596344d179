/**
 * `npm run demo`: a Slack workspace, simulated providers and the real bot, on this machine, in one browser tab.
 * `npm run demo -- --port N` for another port, `--empty` to begin without any jobs; with DATABASE_URL on an empty Postgres.
 * Nothing listens on any address but 127.0.0.1.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { defaultAccess, type SupervisedBot, startBot, superviseBot, writeConfig } from './bot.js'
import { demoDatabase } from './demo-database.js'
import { freePort, isFree } from './free-port.js'
import { makeHistory } from './history.js'
import { createPassingTime } from './passing-time.js'
import { starters } from './providers/index.js'
import { manifestWithStep } from './slack/manifest.js'
import { welcome } from './slack/welcome.js'
import { startWorkspace } from './slack/workspace.js'
import { pageMiddleware } from './web/serve.js'

const DEFAULT_PORT = 4321
/** After six hours of searching Dolly asks a person what became of a lost write. */
const PASSED_MS = 7 * 3_600_000
/** What a bot and its timers log of the hours that somebody lets pass. */
const OF_PASSED_TIME = /NODE-CRON.*missed execution|this machine's clock was set/
/** So that the form asks how long a copy is kept. */
// biome-ignore lint/suspicious/noThenProperty: its name in dolly.yml
const expiry = { default: '7d', then: 'delete' }
/** In Hoody's production a second person of the platform group must agree. */
const productionRule = {
  who: 'S00PLATFORM',
  may: '*',
  on: 'hoody',
  from: '*',
  target: ['* in woolworks-production', '* in woolworks-production on *'],
  approval: { by: 'S00PLATFORM', count: 1, expires: '4h' },
}

const { wanted, isEmpty } = await readArguments()
const database = await demoDatabase(process.env.DATABASE_URL)
if (database && 'refusal' in database) {
  console.error(database.refusal)
  process.exit(1)
}
const page = await pageMiddleware()
const simulators = await Promise.all(starters.map((start) => start()))
const port = wanted ?? ((await isFree(DEFAULT_PORT)) ? DEFAULT_PORT : await freePort())
let bot: SupervisedBot | undefined
const workspace = await startWorkspace({
  port,
  simulators,
  manifest: manifestWithStep(),
  page: page.handle,
  killBot: () => bot?.kill(),
  passTime: () => time.pass(PASSED_MS),
  // Forms open within three real seconds, also while hours pass.
  now: () => performance.timeOrigin + performance.now(),
})
// Over Socket Mode the bot needs no port.
const { SLACK_SIGNING_SECRET: _, ...slack } = workspace.env

// A temporary folder: each demo starts from scratch and leaves nothing behind.
const folder = mkdtempSync(join(tmpdir(), 'dolly-demo-'))
// This process and the bot have one clock; both were started with clock.mjs.
process.env.SANDBOX_CLOCK = join(folder, 'clock')
const time = createPassingTime(process.env.SANDBOX_CLOCK, workspace.setTime)
workspace.setTime({ aheadMs: 0, toGoMs: 0 })
const botEnv = {
  ...slack,
  NODE_OPTIONS: `--import ${new URL('demo-bot.mjs', import.meta.url)}`,
  SANDBOX_CLOCK: process.env.SANDBOX_CLOCK,
  // In place of a file in that folder.
  ...(database && { DATABASE_URL: database.url }),
}
const connected = simulators.map((simulator) => ({
  ...simulator,
  connection: simulator.id === 'hoody' ? { ...simulator.connection, expiry } : simulator.connection,
}))
writeConfig(
  folder,
  connected,
  { everySeconds: 1 },
  { ...defaultAccess, access: [productionRule, ...defaultAccess.access] },
)
bot = await superviseBot(
  () => startBot(folder, botEnv, printWarnings),
  (status) => {
    workspace.setBotStatus(status === 'up' ? 'up' : 'down')
    if (status !== 'up') console.log(`  The bot ended (${status.endedWith}). Starting it again on the same database.`)
  },
)
const { stop, stopped } = bot
workspace.greet(workspace.channels.platform.id, welcome(workspace.channels.deploys.id))
if (!isEmpty) {
  simulators.find(({ id }) => id === 'miget')?.setSwitch('fail-deploy', true)
  const finish = await makeHistory(workspace)
  // It waits for a copy. Somebody may end the demo, or kill the bot, before that.
  finish().catch((error: unknown) => console.error(`  The demo has no preset and no schedule: ${error}`))
}
console.log(
  `\n  Dolly's sandbox is at ${workspace.url}\n  Open it and type /clone-app in #platform. Ctrl-C stops it. For another port: npm run demo -- --port N\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
const end = await stopped
time.stop()
await Promise.all([workspace.close(), page.close(), ...simulators.map((simulator) => simulator.close())])
rmSync(folder, { recursive: true, force: true })
process.exit(end === 0 ? 0 : 1)

/** The port after `--port`, if there is one, and whether it begins without a history. Ends the process if it isn't a port, or not a free one. */
async function readArguments(): Promise<{ wanted: number | undefined; isEmpty: boolean }> {
  const { values } = parseArgs({ options: { port: { type: 'string' }, empty: { type: 'boolean', default: false } } })
  const { port, empty: isEmpty } = values
  if (port === undefined) return { wanted: undefined, isEmpty }
  const number = Number(port)
  const isPort = Number.isInteger(number) && number > 0 && number < 65_536
  if (isPort && (await isFree(number))) return { wanted: number, isEmpty }
  console.error(
    isPort
      ? `Port ${number} is taken. Choose another one, or leave --port out.`
      : `--port needs a number from 1 to 65535, not "${port}".`,
  )
  process.exit(1)
}

/** The bot logs every job; a demo only shows what goes wrong. pino's warnings start at level 40. */
function printWarnings(lines: string): void {
  for (const line of lines.split('\n')) {
    const isWarning = /"level":[456]0/.test(line) || /^[^{]/.test(line)
    if (isWarning && !OF_PASSED_TIME.test(line)) console.error(line)
  }
}
