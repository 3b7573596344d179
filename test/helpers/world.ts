/** The sandbox's workspace and Hoody with the real bot between them, as a child process that can be killed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Bot, startBot, writeConfig } from '../../sandbox/bot.js'
import { freePort } from '../../sandbox/free-port.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'

export type Mode = 'http' | 'socket'

export interface World {
  workspace: Workspace
  hoody: Simulator
  /** Starts the bot and resolves when it is up; the database is the one it had before. */
  start(env?: Readonly<Record<string, string>>): Promise<Bot>
  /** Rows of the bot's own database, read from outside. */
  rows<T>(sql: string): T[]
  /** Changes the bot's own database behind its back. */
  write(sql: string): void
  close(): Promise<void>
}

export async function startWorld(mode: Mode, options: { cloneMs?: number } = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-world-'))
  const hoody = await startHoody({ cloneMs: options.cloneMs ?? 300 })
  const workspace = await startWorkspace({ simulators: [hoody] })
  const bots: Bot[] = []
  const port = await freePort()
  if (mode === 'http') workspace.setRequestUrl(`http://127.0.0.1:${port}/slack/events`)

  writeConfig(folder, [hoody], { everySeconds: 1 })
  const { SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, ...shared } = workspace.env

  return {
    workspace,
    hoody,
    start: async (env = {}) => {
      const bot = await startBot(folder, {
        ...shared,
        ...(mode === 'http' ? { SLACK_SIGNING_SECRET, PORT: `${port}` } : { SLACK_APP_TOKEN }),
        LOG_LEVEL: 'debug',
        ...env,
      })
      bots.push(bot)
      if (mode === 'socket') await workspace.waitFor(() => workspace.connections() > 0)
      return bot
    },
    rows: <T>(sql: string) => {
      const database = new Sqlite(join(folder, 'data/dolly.db'), { readonly: true })
      try {
        return database.prepare<[], T>(sql).all()
      } finally {
        database.close()
      }
    },
    write: (sql) => {
      const database = new Sqlite(join(folder, 'data/dolly.db'))
      database.exec(sql)
      database.close()
    },
    close: async () => {
      await Promise.all(bots.map((bot) => bot.kill('SIGKILL')))
      await workspace.close()
      await hoody.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Fills in and submits the copy form in #platform: the shortest way to a job.
 *
 * @param beforeSubmit what is to go wrong with the job but not with the form.
 */
export async function askForCopy(
  world: World,
  name: string,
  who: 'ann' | 'bo' = 'ann',
  beforeSubmit: () => void = () => {},
): Promise<void> {
  const { workspace } = world
  const person = workspace.as(workspace.people[who].id)
  await person.write(workspace.channels.platform.id, `/clone-app hoody-demo copy name=${name}`)
  await person.waitForView((view) => view.callback_id === 'operation_form')
  await person.choose('container', 'shop-api', 'shop-api')
  await person.choose('project', 'woolworks-staging', 'staging')
  const errors = await person.submit()
  if (Object.keys(errors).length > 0) throw new Error(`The form was refused: ${JSON.stringify(errors)}`)
  await person.waitForView((view) => view.callback_id === 'operation_preview')
  beforeSubmit()
  await person.submit()
}
