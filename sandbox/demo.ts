/**
 * `dolly demo`: a Slack workspace, simulated providers and the real bot, on this machine, in one browser tab. With DATABASE_URL it
 * is on an empty Postgres. Nothing listens on any address but 127.0.0.1.
 */
// First, so that nothing else has seen the real clock.
import './clock.mjs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { defaultAccess, type SupervisedBot, startBot, superviseBot, writeConfig } from './bot.js'
import { demoDatabase } from './demo-database.js'
import { freePort, isFree, refusalOf } from './free-port.js'
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

/**
 * Runs it until somebody stops it.
 *
 * @param wanted the number of its port, in place of one that is free.
 * @param isEmpty whether it begins without any jobs.
 * @returns the exit code; the caller ends the process.
 */
export async function runDemo(wanted: string | undefined, isEmpty: boolean): Promise<number> {
  const refusal = wanted === undefined ? undefined : await refusalOf(wanted)
  if (refusal) return refuse(refusal)
  const database = await demoDatabase(process.env.DATABASE_URL)
  if (database && 'refusal' in database) return refuse(database.refusal)
  const page = pageMiddleware()
  const simulators = await Promise.all(starters.map((start) => start()))
  const port = wanted ? Number(wanted) : (await isFree(DEFAULT_PORT)) ? DEFAULT_PORT : await freePort()
  let bot: SupervisedBot | undefined
  const workspace = await startWorkspace({
    port,
    simulators,
    manifest: manifestWithStep(),
    page,
    killBot: () => bot?.kill(),
    passTime: () => time.pass(PASSED_MS),
    // Forms open within three real seconds, also while hours pass.
    now: () => performance.timeOrigin + performance.now(),
  })
  // Over Socket Mode the bot needs no port.
  const { SLACK_SIGNING_SECRET: _, ...slack } = workspace.env

  // A temporary folder: each demo starts from scratch and leaves nothing behind.
  const folder = mkdtempSync(join(tmpdir(), 'dolly-demo-'))
  // This process and the bot have one clock: see clock.mjs.
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
    `\n  Dolly's sandbox is at ${workspace.url}\n  Open it and type /clone-app in #platform. Ctrl-C stops it. For another port, add its number.\n`,
  )

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
  const end = await stopped
  time.stop()
  await Promise.all([workspace.close(), ...simulators.map((simulator) => simulator.close())])
  rmSync(folder, { recursive: true, force: true })
  return end === 0 ? 0 : 1
}

function refuse(sentence: string): number {
  console.error(sentence)
  return 1
}

/** The bot logs every job; a demo only shows what goes wrong. pino's warnings start at level 40. */
function printWarnings(lines: string): void {
  for (const line of lines.split('\n')) {
    const isWarning = /"level":[456]0/.test(line) || /^[^{]/.test(line)
    if (isWarning && !OF_PASSED_TIME.test(line)) console.error(line)
  }
}
