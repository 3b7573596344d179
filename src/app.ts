/** Wiring only: config → store → connections → Slack → clock, and all of it stopped in reverse order. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { App } from '@slack/bolt'
import { WebAPIPlatformError } from '@slack/web-api'
import { registerCommands } from './commands/index.js'
import { Lists } from './commands/lists.js'
import { type Config, ConfigError, loadConfig, secretsOf } from './config.js'
import { Clock, type Round } from './jobs/clock.js'
import { Heartbeat, type House } from './jobs/house.js'
import type { Job } from './jobs/machine.js'
import { runDueJobs } from './jobs/run.js'
import { tellUntold } from './jobs/tell.js'
import { watchDueJobs } from './jobs/watch.js'
import { createLog, slackLogger } from './log.js'
import { createApi } from './providers/http.js'
import { providers } from './providers/index.js'
import type { Connection } from './providers/provider.js'
import { assertDrawable } from './slack/form.js'
import type { Story } from './slack/message.js'
import { openHttpEntrance, openSocketEntrance } from './slack/receiver.js'
import { Sender } from './slack/sender.js'
import { openDatabase } from './store/database.js'
import { countStrandedJobs, usualDuration } from './store/jobs.js'

const stopWithinMs = 10_000
const now = () => Date.now()

async function start(config: Config): Promise<() => Promise<void>> {
  const log = createLog(config.logLevel, secretsOf(config))
  if (config.database.kind !== 'sqlite') throw new ConfigError(['DATABASE_URL must name a SQLite file.'])
  const db = await openDatabase(config.database.file)

  for (const provider of providers) assertDrawable(provider)
  const connections = connect(config)
  for (const [name, jobs] of Object.entries(await countStrandedJobs(db, [...connections.keys()]))) {
    log.warn({ connection: name, jobs }, 'live jobs wait for a connection that dolly.yml no longer has')
  }

  const { mode, apiUrl, botToken } = config.slack
  const logger = slackLogger(log)
  const entrance =
    mode.kind === 'socket'
      ? openSocketEntrance(mode.appToken, apiUrl, logger)
      : openHttpEntrance(mode.signingSecret, mode.port, logger, now)
  const app = new App({
    receiver: entrance.receiver,
    token: botToken,
    tokenVerificationEnabled: false,
    logger,
    // The client's own retries are off because it would repeat a message whose answer was lost, and post it twice.
    clientOptions: { slackApiUrl: apiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: 10_000 },
  })
  const workspaceUrl = await readWorkspaceUrl(app)

  const house: House = { db, connections, worker: randomUUID(), leaseMs: 10_000, now, random: Math.random, log }
  const sender = new Sender({ db, chat: app.client.chat, now, log, describe: (job) => describe(house, job) })
  const rounds: Round[] = [...connections.keys()].flatMap((name) => [
    { name: `run ${name}`, go: () => runDueJobs(house, name) },
    { name: `watch ${name}`, go: () => watchDueJobs(house, name) },
  ])
  rounds.push({ name: 'tell', go: () => tellUntold(house, (untold) => sender.tell(untold)) })

  const heartbeat = new Heartbeat(house)
  const clock = new Clock(config.tickSeconds, rounds, (round, error) =>
    log.error({ err: error, round }, 'a round broke'),
  )
  const lists = new Lists(now, log)
  registerCommands(app, {
    db,
    connections,
    lists,
    wake: () => clock.wake(),
    now,
    workspaceUrl: () => workspaceUrl,
    log,
  })
  app.error(async (error) => log.error({ err: error }, 'a Slack request broke'))
  await entrance.start()
  clock.wake()
  log.info({ connections: [...connections.keys()], slack: mode.kind }, 'Dolly is up')

  return async () => {
    await entrance.stop()
    const end = await clock.stop(stopWithinMs)
    heartbeat.stop()
    await db.destroy()
    log.info({ rounds: end }, 'Dolly has stopped')
  }
}

function connect(config: Config): Map<string, Connection> {
  return new Map(
    config.connections.map(({ name, provider: id, settings }) => {
      const provider = providers.find((candidate) => candidate.id === id)
      if (!provider) throw new ConfigError([`connections.${name}.provider is "${id}", which is no provider.`])
      return [name, { name, provider, api: createApi(name, provider.client(settings)) }]
    }),
  )
}

/** A refused token stops the start. Slack being away does not: jobs can go on, and the threads catch up. */
async function readWorkspaceUrl(app: App): Promise<string> {
  try {
    return (await app.client.auth.test()).url ?? 'https://slack.com/'
  } catch (error) {
    if (error instanceof WebAPIPlatformError) {
      throw new ConfigError([
        `Slack refuses SLACK_BOT_TOKEN with "${error.data.error}". Copy it anew from your Slack app.`,
      ])
    }
    return 'https://slack.com/'
  }
}

async function describe({ db, connections }: House, job: Job): Promise<Story> {
  const provider = connections.get(job.connection)?.provider
  const operation = provider?.operations[job.operation]
  const steps = operation?.steps.entries() ?? []
  return {
    job,
    title: operation?.title ?? job.operation,
    provider: provider?.name ?? job.connection,
    steps: new Map(
      [...steps].filter(([, step]) => step.when?.({ ...job.params }) ?? true).map(([at, step]) => [at, step.title]),
    ),
    usualMs: await usualDuration(db, job.connection, job.operation),
  }
}

if (existsSync('.env')) process.loadEnvFile('.env')
try {
  const stop = await start(loadConfig({ providers }))
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      stop().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    })
  }
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : error}\n`,
  )
  process.exit(1)
}
