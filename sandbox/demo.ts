/** `npm run demo`: a Slack workspace, simulated providers and the real bot, on this machine, in one browser tab. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SupervisedBot, startBot, superviseBot, writeConfig } from './bot.js'
import { freePort, isFree } from './free-port.js'
import { starters } from './providers/index.js'
import { startWorkspace } from './slack/workspace.js'
import { pageMiddleware } from './web/serve.js'

const DEFAULT_PORT = 4321

const page = await pageMiddleware()
const simulators = await Promise.all(starters.map((start) => start()))
const port = (await isFree(DEFAULT_PORT)) ? DEFAULT_PORT : await freePort()
let bot: SupervisedBot | undefined
const workspace = await startWorkspace({ port, simulators, page: page.handle, killBot: () => bot?.kill() })
const { SLACK_APP_TOKEN: _, ...slack } = workspace.env

// A temporary folder: each demo starts from scratch and leaves nothing behind.
const folder = mkdtempSync(join(tmpdir(), 'dolly-demo-'))
writeConfig(folder, simulators, { everySeconds: 1 })
const botPort = await freePort()
workspace.setRequestUrl(`http://127.0.0.1:${botPort}/slack/events`)
bot = await superviseBot(
  () => startBot(folder, { ...slack, PORT: `${botPort}` }, printWarnings),
  (status) => {
    workspace.setBotStatus(status === 'up' ? 'up' : 'down')
    if (status !== 'up') console.log(`  The bot ended (${status.endedWith}). Starting it again on the same database.`)
  },
)
const { stop, stopped } = bot
console.log(
  `\n  Dolly's sandbox is at ${workspace.url}\n  Open it and type /clone-app in #platform. Ctrl-C stops it.\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
const end = await stopped
await Promise.all([workspace.close(), page.close(), ...simulators.map((simulator) => simulator.close())])
rmSync(folder, { recursive: true, force: true })
process.exit(end === 0 ? 0 : 1)

/** The bot logs every job; a demo only shows what goes wrong. pino's warnings start at level 40. */
function printWarnings(lines: string): void {
  for (const line of lines.split('\n')) if (/"level":[456]0/.test(line) || /^[^{]/.test(line)) console.error(line)
}
