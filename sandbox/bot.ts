/** Runs the built bot as a child process against the sandbox's Slack and providers, for the demo and the tests. */
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { ROOT } from './root.js'

const program = fileURLToPath(new URL('dist/cli.js', ROOT))

export interface Bot {
  /** Everything it printed so far. */
  log(): string
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  exited: Promise<number | string>
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>
}

/** The sandbox's rules: Ann's group may do everything, other members copy into Hoody's staging, guests nothing. */
export const defaultAccess = {
  owner: '#platform',
  access: [
    { who: 'S00PLATFORM', may: '*', on: '*' },
    {
      who: 'members',
      may: ['copy', 'sync', 'retry'],
      on: 'hoody',
      from: '*',
      target: ['* in woolworks-staging', '* in woolworks-staging on *'],
    },
  ],
}

/** Writes a dolly.yml with one connection for each simulator, named after its provider. */
export function writeConfig(
  folder: string,
  simulators: readonly { id: string; connection: Readonly<Record<string, unknown>> }[],
  poll: { everySeconds: number },
  who: { owner: string; access: readonly object[] } = defaultAccess,
): void {
  const connections = Object.fromEntries(simulators.map(({ id, connection }) => [id, { provider: id, ...connection }]))
  // The file contains tokens, so only its owner may read it.
  writeFileSync(join(folder, 'dolly.yml'), stringify({ connections, ...who, poll }), { mode: 0o600 })
}

/**
 * Starts the built bot in a folder that has a dolly.yml; its database goes there too. Resolves when it is up.
 *
 * @throws Error with everything it printed, if it ends before that.
 */
export async function startBot(
  folder: string,
  env: Readonly<Record<string, string>>,
  onOutput: (text: string) => void = () => {},
): Promise<Bot> {
  const bot = spawnBot(folder, env, onOutput)
  await bot.up
  return bot
}

/**
 * The same without waiting. `up` rejects with everything the bot printed if it ends before it is up. `freeze` suspends the
 * process, as a sleeping machine does, and returns a function that resumes it.
 */
export function spawnBot(
  folder: string,
  env: Readonly<Record<string, string>>,
  onOutput: (text: string) => void = () => {},
): Bot & { up: Promise<void>; pid: number | undefined; freeze(): () => void } {
  if (!existsSync(program)) throw new Error('There is no built bot. Run "npm run build" first.')
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [program], { cwd: folder, env: { PATH, HOME, ...env }, stdio: 'pipe' })
  let log = ''
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? ''))
  })
  const up = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk.toString()
      onOutput(chunk.toString())
      if (log.includes('"Dolly is up"')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    exited.then((code) => reject(new Error(`The bot ended with ${code} before it was up:\n${log}`)))
  })
  return {
    up,
    pid: child.pid,
    log: () => log,
    exited,
    kill: async (signal) => {
      child.kill(signal)
      return await exited
    },
    freeze: () => {
      child.kill('SIGSTOP')
      return () => child.kill('SIGCONT')
    },
  }
}

/** A bot that is started again whenever its process ends, until it is stopped. */
export interface SupervisedBot {
  /** Ends the process as a crash would. */
  kill(): void
  /** Lets the bot finish its work. Resolves with its exit code or signal, and it isn't started again. */
  stop(): Promise<number | string>
  /** Resolves together with `stop`, for those who didn't call it. */
  stopped: Promise<number | string>
}

/** Long enough for a person to notice that it was gone. */
const RESTART_AFTER_MS = 1_000

/**
 * Starts a bot and keeps it running: each new process uses the database that the last one left.
 *
 * @param onStatus called when the bot is up and when it has ended: with its exit code, its signal or why it couldn't start.
 * @throws Error if the very first start fails.
 */
export async function superviseBot(
  start: () => Promise<Bot>,
  onStatus: (status: 'up' | { endedWith: number | string }) => void,
): Promise<SupervisedBot> {
  let isStopping = false
  let bot = await start()
  onStatus('up')

  async function supervise(): Promise<number | string> {
    for (;;) {
      const endedWith = await bot.exited
      if (isStopping) return endedWith
      onStatus({ endedWith })
      await delay(RESTART_AFTER_MS)
      if (isStopping) return endedWith
      try {
        bot = await start()
      } catch (error) {
        bot = { ...bot, exited: Promise.resolve(error instanceof Error ? error.message : String(error)) }
        continue
      }
      if (isStopping) return await bot.kill('SIGTERM')
      onStatus('up')
    }
  }
  const stopped = supervise()
  return {
    kill: () => void bot.kill('SIGKILL'),
    stop: async () => {
      isStopping = true
      void bot.kill('SIGTERM')
      return await stopped
    },
    stopped,
  }
}
