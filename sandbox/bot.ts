/** The real bot as a child process between a sandboxed workspace and simulated providers, for the demo and the tests. */
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Simulator } from './providers/simulator.js'

const program = fileURLToPath(new URL('../dist/app.js', import.meta.url))

export interface Bot {
  /** Everything it printed so far. */
  log(): string
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  exited: Promise<number | string>
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>
}

/** Who may do what in the sandbox: Ann's group everything, other members what is in Hoody's staging, guests nothing. */
export const defaultAccess = {
  owner: '#platform',
  access: [
    { who: 'S00PLATFORM', may: '*', on: '*' },
    {
      who: 'members',
      may: ['copy', 'sync', 'check-again'],
      on: 'hoody',
      from: '*',
      target: ['* in woolworks-staging', '* in woolworks-staging on *'],
    },
  ],
}

/** Writes a dolly.yml with one connection for each simulator, named after its provider. */
export function writeConfig(
  folder: string,
  simulators: readonly Simulator[],
  poll: { everySeconds: number },
  who: { owner: string; access: readonly object[] } = defaultAccess,
): void {
  const connections = Object.fromEntries(simulators.map(({ id, connection }) => [id, { provider: id, ...connection }]))
  // It holds the tokens themselves, for the owner alone.
  writeFileSync(join(folder, 'dolly.yml'), stringify({ connections, ...who, poll }), { mode: 0o600 })
}

/**
 * Starts the built bot in a folder with a dolly.yml, where its database will be too. Resolves when it is up.
 *
 * @throws Error with all it printed when it ends before that.
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
 * The same without waiting. `up` rejects with all it printed when it ends before. `freeze` stops it in its tracks, as a
 * machine that sleeps does, and answers with how to let it go on.
 */
export function spawnBot(
  folder: string,
  env: Readonly<Record<string, string>>,
  onOutput: (text: string) => void = () => {},
): Bot & { up: Promise<void>; freeze(): () => void } {
  if (!existsSync(program)) throw new Error('There is no built bot: "npm run build" comes first.')
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

/** A bot whose every death is followed by a new start, until it is stopped. */
export interface KeptBot {
  /** Ends the process as a crash would. */
  kill(): void
  /** Lets the bot end what is under way. Resolves when it is gone for good, with its exit code or signal. */
  stop(): Promise<number | string>
  /** Resolves as `stop` does, whoever asked for it. */
  stopped: Promise<number | string>
}

/** Long enough to see that it is gone. */
const RESTART_AFTER_MS = 1_000

/**
 * Starts a bot and keeps it running: a new process on what the last one left.
 *
 * @param onLife told whenever it is up or has died, then with its exit code, its signal or why it could not start.
 * @throws Error when the very first start fails.
 */
export async function keepBot(
  start: () => Promise<Bot>,
  onLife: (life: 'up' | { diedOf: number | string }) => void,
): Promise<KeptBot> {
  let isStopping = false
  let bot = await start()
  onLife('up')

  async function keep(): Promise<number | string> {
    for (;;) {
      const diedOf = await bot.exited
      if (isStopping) return diedOf
      onLife({ diedOf })
      await delay(RESTART_AFTER_MS)
      if (isStopping) return diedOf
      try {
        bot = await start()
      } catch (error) {
        bot = { ...bot, exited: Promise.resolve(error instanceof Error ? error.message : String(error)) }
        continue
      }
      if (isStopping) return await bot.kill('SIGTERM')
      onLife('up')
    }
  }
  const stopped = keep()
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
