/** The sandbox's Slack, a simulated Hoody, and the real bot as a child process that can be killed. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { type Bot, defaultAccess, startBot, writeConfig } from '../../sandbox/bot.js'
import { freePort } from '../../sandbox/free-port.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export type Mode = 'http' | 'socket'

export interface World {
  workspace: Workspace
  hoody: Simulator
  /** Starts the bot, on the same database each time. Resolves when it is up. */
  start(env?: Readonly<Record<string, string>>): Promise<Bot>
  /** Runs another command on the bot's database to its end, with these arguments. @returns what it printed. */
  run(...args: string[]): Promise<string>
  /** Rows of the bot's own database, read from outside. */
  rows<T>(sql: string): T[]
  /** Changes the bot's database from outside. */
  write(sql: string): void
  close(): Promise<void>
}

export interface WorldOptions {
  cloneMs?: number
  /** The Slack app's scopes. */
  scopes?: readonly string[]
  /** Providers beside Hoody. */
  others?: readonly (() => Promise<Simulator>)[]
  /** The access rules, read at every start of the bot. Default: `defaultAccess`. */
  access?(workspace: Workspace): readonly object[]
}

/**
 * Bots start one at a time, because a start takes a whole core for a second, and those that are up must answer Slack
 * within three.
 */
let lastStart: Promise<unknown> = Promise.resolve()

async function inLine<T>(start: () => Promise<T>): Promise<T> {
  const mine = lastStart.then(start)
  lastStart = mine.catch(() => undefined)
  return await mine
}

export async function startWorld(mode: Mode, options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-world-'))
  const hoody = await startHoody({ cloneMs: options.cloneMs ?? 300 })
  const others = await Promise.all((options.others ?? []).map((start) => start()))
  const simulators = [hoody, ...others]
  const workspace = await startWorkspace({ simulators, ...(options.scopes ? { scopes: options.scopes } : {}) })
  const bots: Bot[] = []
  const port = await freePort()
  if (mode === 'http') workspace.setRequestUrl(`http://127.0.0.1:${port}/slack/events`)

  const { SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, ...shared } = workspace.env
  const secret = mode === 'http' ? { SLACK_SIGNING_SECRET, PORT: `${port}` } : { SLACK_APP_TOKEN }

  return {
    workspace,
    hoody,
    start: async (env = {}) => {
      const access = options.access?.(workspace) ?? defaultAccess.access
      writeConfig(folder, simulators, { everySeconds: 1 }, { ...defaultAccess, access })
      const bot = await inLine(() => startBot(folder, { ...shared, ...secret, LOG_LEVEL: 'debug', ...env }))
      bots.push(bot)
      if (mode === 'socket') await workspace.waitFor(() => workspace.connections() > 0)
      return bot
    },
    run: async (...args) => {
      const { PATH = '' } = process.env
      const env = { PATH, ...shared, ...secret }
      return (await promisify(execFile)(process.execPath, [program, ...args], { cwd: folder, env })).stdout
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
      await Promise.all(simulators.map((simulator) => simulator.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Fills in and submits the copy form in #platform: the shortest way to a job.
 *
 * @param beforeSubmit switches on faults that should affect the job but not the form.
 */
export async function askForCopy(
  world: World,
  name: string,
  who: 'ann' | 'bo' = 'ann',
  beforeSubmit: () => void = () => {},
): Promise<void> {
  const { workspace } = world
  const person = workspace.as(workspace.people[who].id)
  await person.write(workspace.channels.platform.id, `/clone-app hoody copy name=${name}`)
  await person.waitForView((view) => view.callback_id === 'operation_form')
  await person.choose('container', 'shop-api', 'shop-api')
  await person.choose('project', 'woolworks-staging', 'staging')
  const errors = await person.submit()
  if (Object.keys(errors).length > 0) throw new Error(`The form was refused: ${JSON.stringify(errors)}`)
  await person.waitForView((view) => view.callback_id === 'operation_preview')
  beforeSubmit()
  await person.submit()
}

/**
 * Starts the bot and makes a job of this person whose outcome is unknown, so that its thread asks what to do.
 * Returns the root of that thread.
 */
export async function askRiddle(world: World, who: 'ann' | 'bo' = 'ann') {
  const { workspace } = world
  const [ann, bo] = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)]
  const first = await world.start()
  await askForCopy(world, 'riddle', who)
  await workspace.waitFor(() => world.rows("select id from jobs where state = 'working'").length === 1, 15_000)
  await first.kill('SIGTERM')
  world.write("update jobs set state = 'uncertain', due_at = null, version = version + 1")
  world.write(
    "insert into events (job_id, seq, kind, at, step, detail) select id, version, 'uncertain', created_at, step, 'Nobody answers.' from jobs",
  )
  const bot = await world.start()
  const question = await ann.waitForMessage(({ text }) => /^<@.* I don't know whether/.test(text), 15_000)
  if (!question.text.includes(`<@${workspace.people[who].id}>`)) throw new Error(`Nobody is asked: ${question.text}`)
  return { ann, bo, bot, root: { channel: question.channel, ts: question.threadTs ?? '' } }
}

/** Whether a root says that its job has succeeded. */
export function isDone(text: string | undefined): boolean {
  return / is (running|ready|up to date) \(/.test(text ?? '')
}
