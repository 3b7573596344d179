/** `dolly start`: runs Dolly until a signal stops it, or something breaks that nobody expected. */
import { type Closer, start } from '../app.js'
import type { Log } from '../lib/log.js'
import { within } from '../lib/within.js'
import { createLog } from '../log.js'
import { type Configured, sentenceOf, withConfiguration } from './configured.js'

/** Work has ended or is cut short ten seconds after the signal. A query to a database that hangs takes half a minute. */
const MAX_CLOSE_MS = 15_000

export async function run(): Promise<number> {
  return await withConfiguration(runUntilStopped)
}

async function runUntilStopped({ config, redactor }: Configured): Promise<number> {
  const log = createLog(config.logLevel, redactor.redact)
  const closers: Closer[] = []
  return await new Promise((resolve) => {
    let isStopping = false
    const stop = async (code: number) => {
      if (isStopping) return
      isStopping = true
      await closeAll(closers, MAX_CLOSE_MS, log)
      log.info({ code }, 'Dolly has stopped')
      resolve(code)
    }
    // Before anything starts: a stop may come while Slack or the disk keeps us waiting.
    process.on('SIGTERM', () => void stop(0))
    process.on('SIGINT', () => void stop(0))
    const giveUp = (error: unknown) => {
      log.fatal({ err: error }, 'something broke unexpectedly')
      void stop(1)
    }
    process.on('unhandledRejection', giveUp)
    process.on('uncaughtException', giveUp)
    start(config, redactor, log, closers).catch((error) => {
      process.stderr.write(redactor.redact(`${sentenceOf(error)}\n`))
      void stop(1)
    })
  })
}

/**
 * Undoes what was started, the last thing first. What takes longer is left to the end of the process, which frees it as well.
 *
 * @param withinMs for all of it, in milliseconds.
 */
export async function closeAll(closers: Closer[], withinMs: number, log: Pick<Log, 'warn' | 'error'>): Promise<void> {
  const closing = async () => {
    for (const close of closers.reverse()) await close().catch((error) => log.error({ err: error }, 'stopping broke'))
    return true
  }
  if (!(await within(withinMs, closing())))
    log.warn({ ms: withinMs }, "stopping took too long; what didn't end is cut off")
}
