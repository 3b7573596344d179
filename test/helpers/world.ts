/** The sandbox's workspace and Hoody with the real bot between them, as a child process that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { startHoody } from '../../sandbox/providers/hoody.js'
import type { Simulator } from '../../sandbox/providers/simulator.js'
import { startWorkspace, type Workspace } from '../../sandbox/slack/workspace.js'
import { freePort } from './free-port.js'

export type Mode = 'http' | 'socket'

const program = fileURLToPath(new URL('../../dist/app.js', import.meta.url))

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

export interface Bot {
  process: ChildProcess
  log(): string
  /** Resolves with the exit code, or the signal. */
  exited: Promise<number | string>
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>
}

export async function startWorld(mode: Mode, options: { cloneMs?: number } = {}): Promise<World> {
  if (!existsSync(program)) throw new Error('These tests run the built bot: "npm run build" comes first.')
  const folder = mkdtempSync(join(tmpdir(), 'dolly-world-'))
  const hoody = await startHoody({ cloneMs: options.cloneMs ?? 300 })
  const workspace = await startWorkspace({ simulators: [hoody] })
  const bots: Bot[] = []
  const port = await freePort()
  if (mode === 'http') workspace.setRequestUrl(`http://127.0.0.1:${port}/slack/events`)

  const settings = Object.entries(hoody.connection).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`)
  const config = ['poll:', '  everySeconds: 1', 'connections:', '  hoody-demo:', '    provider: hoody', ...settings]
  writeFileSync(join(folder, 'dolly.yml'), `${config.join('\n')}\n`)
  const { SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, ...shared } = workspace.env

  return {
    workspace,
    hoody,
    start: async (env = {}) => {
      const bot = await spawnBot(folder, {
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

async function spawnBot(folder: string, env: Readonly<Record<string, string>>): Promise<Bot> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [program], { cwd: folder, env: { PATH, HOME, ...env }, stdio: 'pipe' })
  let log = ''
  const exited = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
  )
  const up = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk.toString()
      if (log.includes('"Dolly is up"')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    exited.then((code) => reject(new Error(`The bot ended with ${code} before it was up:\n${log}`)))
  })
  await up
  return {
    process: child,
    log: () => log,
    exited,
    kill: async (signal) => {
      child.kill(signal)
      return await exited
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
  beforeSubmit()
  const errors = await person.submit()
  if (Object.keys(errors).length > 0) throw new Error(`The form was refused: ${JSON.stringify(errors)}`)
}
