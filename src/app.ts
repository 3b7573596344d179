/** Wiring only: config → store → connections → Slack → clock, and all of it stopped in reverse order. */
import { randomUUID } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { WebAPIPlatformError, WebClient } from '@slack/web-api'
import type { Logger } from 'pino'
import { groupsOf } from './access/rules.js'
import { registerCommands } from './commands/index.js'
import { Lists } from './commands/lists.js'
import { type Config, ConfigError, loadConfig, secretsOf } from './config/env.js'
import { diagnose, explainSlackLog, portProblem, refusalOf, warnUnreachable } from './doctor.js'
import type { Job } from './domain/job.js'
import { ConnectionError } from './errors.js'
import { Heartbeat, type WorkerContext } from './jobs/context.js'
import { Clock, type Round } from './jobs/scheduler.js'
import { SteadyClock } from './jobs/steady.js'
import { roundsOf } from './jobs/workers.js'
import { createRedactor, type Redactor } from './lib/redact.js'
import { createLog, slackLogger, throttledPerConnection } from './log.js'
import { createApi, type Shared } from './providers/http.js'
import * as listed from './providers/index.js'
import { type Connection, operationOf, type Provider } from './providers/provider.js'
import { clientOptions } from './slack/api/client.js'
import { Identity } from './slack/api/identity.js'
import { type ChannelSource, missingScopes, People } from './slack/api/people.js'
import { Sender } from './slack/delivery/sender.js'
import { assertDrawable } from './slack/form/view.js'
import type { JobView } from './slack/message/job.js'
import { BoltApp } from './slack/transport/bolt-app.js'
import { openHttpTransport } from './slack/transport/http.js'
import { openSocketTransport } from './slack/transport/socket.js'
import { makeLiveJobsDue } from './store/claims.js'
import { openDatabase } from './store/database.js'
import { forget } from './store/drafts.js'
import { countStrandedJobs, typicalDurationMs } from './store/jobs.js'

const providers: readonly Provider[] = Object.values(listed)
const STOP_WITHIN_MS = 10_000
const LEASE_MS = 10_000
/** How long a person's request waits for a database that another process holds: an answer is due within three seconds. */
const REQUEST_BUSY_TIMEOUT_MS = 700
const now = () => Date.now()
const elapsed = () => performance.now()

async function start(config: Config, redactor: Redactor, log: Logger, closers: Closer[]): Promise<void> {
  if (config.database.kind !== 'sqlite' || config.database.file === ':memory:')
    throw new ConfigError(['DATABASE_URL must name a SQLite file.'])
  const db = await openDatabase(config.database.file)
  closers.push(() => db.destroy())
  // A connection of its own, so that no person waits behind the workers' writes.
  const dbOfRequests = await openDatabase(config.database.file, undefined, { busyTimeoutMs: REQUEST_BUSY_TIMEOUT_MS })
  closers.push(() => dbOfRequests.destroy())
  const { mode: rights = 0 } = statSync(config.database.file, { throwIfNoEntry: false }) ?? {}
  if (rights & 0o077)
    log.warn({ file: config.database.file }, 'others than its owner may open the database; chmod 600 it')

  for (const warning of config.warnings) log.warn(warning)

  for (const provider of providers) assertDrawable(provider)
  const connections = connect(config, { redactor, log, elapsed })
  for (const [name, jobs] of Object.entries(await countStrandedJobs(db, [...connections.keys()]))) {
    log.warn({ connection: name, jobs }, 'live jobs wait for a connection that dolly.yml no longer has')
  }

  await makeLiveJobsDue(db, now())
  const logger = slackLogger(log, explainSlackLog)
  const { mode, apiUrl, botToken } = config.slack
  const identity = new Identity(new WebClient(botToken, clientOptions(apiUrl, logger)), botToken)
  const entrance =
    mode.kind === 'socket'
      ? openSocketTransport(mode.appToken, apiUrl, logger, mode.port)
      : openHttpTransport(mode.signingSecret, mode.port, logger, now)

  const steady = new SteadyClock(now, elapsed, (byMs) => {
    log.warn({ byMs }, 'the clock of this machine was set; all that waits is looked at anew')
    makeLiveJobsDue(db, now())
      .then(() => clock.restart())
      .catch((error) => log.error({ err: error }, 'what waits could not be made due'))
  })
  const refused = throttledPerConnection(log, elapsed)
  const context: WorkerContext = {
    db,
    connections,
    worker: randomUUID(),
    leaseMs: LEASE_MS,
    now,
    random: Math.random,
    log,
    refused,
    steadyForMs: () => steady.steadyForMs(),
  }
  const { chat, conversations } = identity.client
  const self = async () => await identity.get()
  const about = { self, describe: async (job: Job) => await describe(context, job) }
  const sender = new Sender({ db, chat, conversations, now, elapsed, log, ...about })
  const rounds = roundsOf(context, (untold, signal) => sender.tell(untold, signal))
  const forgetting = { name: 'forget', go: throttled(60_000, () => forget(db, now())) }
  const clock = new Clock(config.tickSeconds, [...rounds, forgetting], (round, error) =>
    log.error({ err: error, round }, 'a round broke'),
  )
  const workers = rounds.map(({ worker }) => worker)
  const heartbeat = new Heartbeat(context, workers)
  closers.push(async () => heartbeat.stop())
  // Nothing new comes in while what is under way ends, both within one and the same time.
  closers.push(async () => {
    const [rounds] = await Promise.all([
      clock.stop(STOP_WITHIN_MS),
      Promise.race([entrance.stop(), delay(STOP_WITHIN_MS)]),
    ])
    log.info({ rounds }, 'what was under way has ended')
  })
  // Before Slack is asked anything, which may keep us waiting: jobs do not need it.
  clock.wake()

  await identity.get().catch((error) => giveUpOnRefusal('SLACK_BOT_TOKEN', error))
  const groups = groupsOf(config.access.rules)
  const problems = missingScopes(identity.scopes, groups)
  if (problems.length > 0) throw new ConfigError(problems)
  const app = new BoltApp({
    receiver: entrance.receiver,
    authorize: async () => identity.known(),
    logger,
    clientOptions: clientOptions(apiUrl, logger),
  })
  const lists = new Lists(elapsed, log, { refused, owner: config.access.owner })
  const team = async () => (await identity.get()).teamId
  const channels = {
    list: (args: Parameters<ChannelSource['list']>[0]) => identity.client.users.conversations(args),
    scopes: () => identity.scopes,
    mayBeShared: config.sharedChannels,
  }
  const people = new People({ slack: identity.client, team, groups, channels, elapsed, log })
  registerCommands(app, {
    db: dbOfRequests,
    connections,
    lists,
    people,
    access: config.access,
    wake: () => clock.wake(),
    now,
    elapsed,
    workspaceUrl: () => identity.workspaceUrl,
    log,
  })
  app.error(async (error) => log.error({ err: error }, 'a Slack request broke'))
  await entrance.start().catch((error) => {
    giveUpOnRefusal('SLACK_APP_TOKEN', error)
    const problem = portProblem(error)
    throw problem === undefined ? error : new ConfigError([problem])
  })
  log.info({ connections: [...connections.keys()], slack: mode.kind }, 'Dolly is up')
  // Nobody waits for it: a provider that is down takes its time.
  void warnUnreachable([...connections.values()], identity.client, groups, log)
}

/** A round's work that is done once in so many milliseconds, however often it ticks. */
function throttled(ms: number, work: () => Promise<void>): Round['go'] {
  let doneAt = 0
  return async () => {
    // A clock that was set back must not stop it.
    if (Math.abs(now() - doneAt) < ms) return false
    doneAt = now()
    await work()
    return false
  }
}

function connect(config: Config, shared: Shared): Map<string, Connection> {
  return new Map(
    config.connections.map(({ name, provider: id, settings }) => {
      const provider = providers.find((candidate) => candidate.id === id)
      if (!provider) throw new ConfigError([`connections.${name}.provider is "${id}", which is no provider.`])
      return [name, { name, provider, api: createApi(name, provider.client(settings), undefined, shared) }]
    }),
  )
}

/** A refused token stops the start. Slack being away does not: jobs go on, and the threads catch up. */
function giveUpOnRefusal(variable: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', error: unknown): void {
  const refusal = error instanceof WebAPIPlatformError ? refusalOf(variable, error.data.error) : undefined
  if (refusal !== undefined) throw new ConfigError([refusal])
}

async function describe({ db, connections, now }: WorkerContext, job: Job): Promise<JobView> {
  const provider = connections.get(job.connection)?.provider
  const operation = operationOf(provider, job.operation)
  const asked = (operation?.steps ?? []).filter((step) => step.when?.({ ...job.params }) ?? true)
  return {
    job,
    title: operation?.title ?? job.operation,
    provider: provider?.name ?? job.connection,
    steps: new Map(asked.map(({ id, title }) => [id, title])),
    typicalMs: await typicalDurationMs(db, { ...job, lastStep: asked.at(-1)?.id ?? '' }),
    now: now(),
  }
}

/** Undoes one thing that was started. */
type Closer = () => Promise<unknown>

const HELP = `Dolly clones apps from Slack. README.md and docs/operating.md say how it is set up and run.
npm start              starts it: with dolly.yml, and the variables of the environment and of .env
npm start -- --check   tries dolly.yml, Slack's tokens and each connection once, starts nothing, writes nothing,
                       and exits with 0 if all is well, with 1 if not
npm start -- --help    prints this
`

/** What is wanted of this process, by its arguments; undefined when they cannot be understood. */
function readArguments(): { check: boolean; help: boolean } | undefined {
  try {
    const options = { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } as const
    return parseArgs({ options }).values
  } catch {
    return undefined
  }
}

/** Prints which parts of the configuration work; returns whether all do. A warning is not a failure. */
async function check(config: Config, redactor: Redactor): Promise<boolean> {
  const groups = groupsOf(config.access.rules)
  const logger = slackLogger(createLog('silent', redactor.redact))
  const connections = [...connect(config, { redactor }).values()]
  const findings = await diagnose({ slack: config.slack, groups, connections, logger })
  const lines = [...config.warnings.map((warning) => `Warning: ${warning}`), ...findings.map((one) => one.sentence)]
  process.stdout.write(redactor.redact(lines.map((line) => `${line}\n`).join('')))
  return findings.every(({ isGood }) => isGood)
}

/** Takes the secrets out of what is printed. */
type Redact = (text: string) => string

async function main(): Promise<void> {
  const wanted = readArguments()
  if (!wanted || wanted.help) {
    process[wanted ? 'stdout' : 'stderr'].write(wanted ? HELP : `There is no such argument.\n${HELP}`)
    process.exit(wanted ? 0 : 1)
  }
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = loadConfig({ providers })
  const redactor = createRedactor(secretsOf(config))
  const { redact } = redactor
  if (wanted.check) {
    const isGood = await check(config, redactor).catch((error) => complain(error, redact))
    process.exit(isGood ? 0 : 1)
  }
  const log = createLog(config.logLevel, redact)
  const closers: Closer[] = []
  let isStopping = false
  const stop = async (code: number) => {
    if (isStopping) return
    isStopping = true
    for (const close of closers.reverse()) await close().catch((error) => log.error({ err: error }, 'stopping broke'))
    log.info({ code }, 'Dolly has stopped')
    process.exit(code)
  }
  // Before anything is started: a stop may be asked for while Slack or the disk keeps us waiting.
  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  const giveUp = (error: unknown) => {
    log.fatal({ err: error }, 'something broke that nobody expected')
    void stop(1)
  }
  process.on('unhandledRejection', giveUp)
  process.on('uncaughtException', giveUp)
  try {
    await start(config, redactor, log, closers)
  } catch (error) {
    complain(error, redact)
    await stop(1)
  }
}

/** What the operator can mend gets its sentence, a bug its stack. Before dolly.yml is read there are no secrets. */
function complain(error: unknown, redact: Redact = (text) => text): void {
  const isOurs =
    error instanceof ConfigError || error instanceof ConnectionError || error instanceof WebAPIPlatformError
  const isSystems = error instanceof Error && 'code' in error
  const text = error instanceof Error ? (isOurs || isSystems ? error.message : error.stack) : String(error)
  process.stderr.write(redact(`${text}\n`))
}

main().catch((error) => {
  complain(error)
  process.exit(1)
})
