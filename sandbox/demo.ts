/** `npm run demo`: a workspace, providers and the real bot between them, on this machine, in one browser tab. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeptBot, keepBot, startBot, writeConfig } from './bot.js'
import { freePort, isFree } from './free-port.js'
import { starters } from './providers/index.js'
import { startWorkspace } from './slack/workspace.js'
import { pageMiddleware } from './web/serve.js'

const DEFAULT_PORT = 4321

const page = await pageMiddleware()
const simulators = await Promise.all(starters.map((start) => start()))
const port = (await isFree(DEFAULT_PORT)) ? DEFAULT_PORT : await freePort()
let kept: KeptBot | undefined
const workspace = await startWorkspace({ port, simulators, page: page.handle, killBot: () => kept?.kill() })
const { SLACK_APP_TOKEN: _, ...slack } = workspace.env

// A folder of its own: the demo begins anew each time and leaves nothing behind.
const folder = mkdtempSync(join(tmpdir(), 'dolly-demo-'))
writeConfig(folder, simulators, { everySeconds: 1 })
const botPort = await freePort()
workspace.setRequestUrl(`http://127.0.0.1:${botPort}/slack/events`)
kept = await keepBot(
  () => startBot(folder, { ...slack, PORT: `${botPort}` }, printTrouble),
  (life) => {
    workspace.setBotLife(life === 'up' ? 'up' : 'down')
    if (life !== 'up') console.log(`  The bot ended (${life.diedOf}). It is started again on the same database.`)
  },
)
const { stop, stopped } = kept
console.log(`\n  Dolly's sandbox is at ${workspace.url}\n  Type /clone-app in #platform. Ctrl-C ends it.\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
const end = await stopped
await Promise.all([workspace.close(), page.close(), ...simulators.map((simulator) => simulator.close())])
rmSync(folder, { recursive: true, force: true })
process.exit(end === 0 ? 0 : 1)

/** The bot logs every job; what a person at a demo wants to see is what goes wrong. pino's warnings begin at 40. */
function printTrouble(lines: string): void {
  for (const line of lines.split('\n')) if (/"level":[456]0/.test(line) || /^[^{]/.test(line)) console.error(line)
}
