/** `dolly start`: runs Dolly until a signal stops it, or something breaks that nobody expected. */
import { type Closer, start } from '../app.js'
import { createLog } from '../log.js'
import { type Configured, sentenceOf, withConfiguration } from './configured.js'

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
      for (const close of closers.reverse()) await close().catch((error) => log.error({ err: error }, 'stopping broke'))
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
