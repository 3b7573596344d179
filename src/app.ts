/** Wiring only: config → store → connections → workers → Slack. What was started is stopped in reverse order. */
import { WebAPIPlatformError, WebClient } from '@slack/web-api'
import type { Logger } from 'pino'
import { groupsOf } from './access/rules.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from './commands/authorize.js'
import { Validator } from './commands/clone/validate.js'
import { refreshHome, registerCommands } from './commands/index.js'
import { PickerLists } from './commands/picker-lists.js'
import { runSchedule } from './commands/schedules/run.js'
import type { Services } from './commands/services.js'
import { type Config, ConfigError } from './config/env.js'
import { connect, describeJob } from './connections.js'
import { warnUnreachable } from './doctor/connections.js'
import { explainSlackLog, portProblem, refusalOf } from './doctor/problems.js'
import { warnOfUnknownGroups } from './doctor/slack.js'
import type { Job } from './domain/job.js'
import { newMemory, type WorkerContext } from './jobs/context.js'
import { Notifier } from './jobs/notify.js'
import { logFirstPolls } from './jobs/poll.js'
import { NO_DATABASE, Scheduler } from './jobs/scheduler.js'
import { createWorkers } from './jobs/workers.js'
import type { Redactor } from './lib/redact.js'
import { within } from './lib/within.js'
import { slackLogger, throttledPerConnection } from './log.js'
import { openMetrics } from './metrics/open.js'
import { clientOptions } from './slack/api/client.js'
import { createShowHome } from './slack/api/home.js'
import { Identity } from './slack/api/identity.js'
import { type ChannelSource, missingScopes, People } from './slack/api/people.js'
import { createRateLimits } from './slack/api/rate-limits.js'
import { completeStep } from './slack/api/steps.js'
import { createSender } from './slack/delivery/sender.js'
import { assertDrawable } from './slack/form/view.js'
import { stepOutcome } from './slack/message/step.js'
import { BoltApp, type SlackTransport } from './slack/transport/bolt-app.js'
import { openHttpTransport } from './slack/transport/http.js'
import { findDueWork } from './store/due-work.js'
import { countStrandedJobs, findRunningJobs } from './store/job-reads.js'
import { makeLiveJobsDue } from './store/make-due.js'
import { countUnfinished } from './store/measure.js'
import { openStore } from './store/open.js'
import { retryWhileAway } from './store/transaction.js'

const MAX_STOP_MS = 10_000
/** How long a start waits for a database that goes away, in milliseconds. */
const MAX_AWAY_MS = 60_000
const elapsed = () => performance.now()

/** Undoes one thing that was started. */
export type Closer = () => Promise<unknown>

/**
 * Starts Dolly. Resolves when it answers Slack; its workers run before that.
 *
 * @param closers gets what undoes each thing that was started, also if a later one fails.
 * @throws ConfigError and ConnectionError for what the operator must fix.
 */
export async function start(config: Config, redactor: Redactor, log: Logger, closers: Closer[]): Promise<void> {
  const store = await openStore(config.database, { elapsed, log, closers })
  const { db, requests: dbOfRequests, membership, rateLimiter, seenBefore } = store
  // Only now, because a second process on a SQLite file waits above until the first one ends.
  const startedAt = elapsed()
  const { now } = membership
  for (const warning of config.warnings) log.warn(warning)

  const { meter, serve } = await openMetrics(config.metrics)
  const connections = connect(config, { redactor, log, elapsed, meter })
  for (const { provider } of connections.values()) assertDrawable(provider)
  const names = [...connections.keys()]
  const [stranded, running] = await retryWhileAway(MAX_AWAY_MS, async () => {
    await makeLiveJobsDue(db, now())
    return [await countStrandedJobs(db, names), await findRunningJobs(db, names)]
  })
  for (const { connection, jobs } of stranded)
    log.warn({ connection, jobs }, 'live jobs wait for a connection that dolly.yml no longer has')

  const logger = slackLogger(log, explainSlackLog)
  const { mode, apiUrl, botToken } = config.slack
  const whyNotReady = () => (membership.mayWork() ? scheduler.whyNotReady() : NO_DATABASE)
  const identity = new Identity(new WebClient(botToken, clientOptions(apiUrl, logger, meter)), botToken)
  let transport: SlackTransport
  if (mode.kind === 'socket') {
    // A megabyte of libraries that nothing else needs.
    const { openSocketTransport } = await import('./slack/transport/socket.js')
    transport = openSocketTransport(mode.appToken, apiUrl, logger, mode.port, undefined, whyNotReady, meter)
  } else {
    const seen = { now, seenBefore }
    transport = openHttpTransport(mode.signingSecret, mode.port, logger, seen, undefined, whyNotReady, meter)
  }

  const refused = throttledPerConnection(log, elapsed)
  const polling = logFirstPolls(running, startedAt, { elapsed, log })
  const about = { db, connections, membership, now, elapsed, log, meter }
  const context: WorkerContext = { ...about, random: Math.random, memory: newMemory(), refused, polling }
  const { chat, conversations } = identity.client
  const describe = async (job: Job) => await describeJob(db, connections, job, now())
  const sender = createSender({ ...about, rateLimiter, chat, conversations, self: () => identity.get(), describe })
  const notifier = new Notifier(context, sender)
  const groups = groupsOf(config.access.rules)
  const channels = {
    list: (args: Parameters<ChannelSource['list']>[0]) => identity.client.users.conversations(args),
    scopes: () => identity.scopes,
    mayBeShared: config.sharedChannels,
  }
  const team = async () => (await identity.get()).teamId
  const services: Services = {
    ...about,
    db: dbOfRequests,
    seenBefore,
    lists: new PickerLists(elapsed, log, { refused, owner: config.access.owner }),
    validator: new Validator(log),
    people: new People({ slack: identity.client, team, groups, channels, elapsed, log }),
    access: config.access,
    wake: () => scheduler.wake(),
    waitForThread: (jobId, withinMs) => notifier.waitForThread(jobId, withinMs),
    showHome: createShowHome(identity.client.views, createRateLimits(rateLimiter, log), membership.mayWork),
    describe: (job) => describeJob(dbOfRequests, connections, job, now()),
    workspaceUrl: () => identity.workspaceUrl,
  }
  const publishHome = async (person: string) => {
    const origin = { user: { id: person }, team: { id: (await team()) ?? '' } }
    return await refreshHome(services, await identifyAsker(services, origin, AFTER_ACK_TIMEOUT_MS))
  }
  const scheduler: Scheduler = new Scheduler({
    tickSeconds: config.tickSeconds,
    isShared: membership.owner !== null,
    workers: createWorkers(context, notifier, {
      ...config,
      publishHome,
      // As the workers, it may wait for the database.
      startRun: (...run) => runSchedule({ ...services, db }, ...run),
      completeStep: ({ executionId, outcome }) => completeStep(identity.client, executionId, stepOutcome(outcome)),
    }),
    findDueWork: () => findDueWork(db, now()),
    // The sender itself remembers, by the monotonic clock, how long Slack wants to be left alone.
    onClockSet: () => makeLiveJobsDue(db, now(), 0),
    now,
    elapsed,
    log,
  })
  // Side by side, because together they have as much time as each alone.
  closers.push(async () => {
    const answered = transport.stop().then(() => 'finished')
    const [workers, requests = 'cut short'] = await Promise.all([
      scheduler.stop(MAX_STOP_MS),
      within(MAX_STOP_MS, answered),
    ])
    log.info({ workers, requests }, 'work in progress has ended')
  })
  // A process that died may have left due work behind.
  membership.onFreed(() => {
    meter.claimsTakenOver()
    scheduler.wake()
  })
  const providerOf = new Map([...connections].map(([name, { provider }]) => [name, provider.id]))
  const sources = { connections: providerOf, countUnfinished: () => countUnfinished(db), now }
  closers.push(await serve({ ...sources, whyNotReady: () => transport.whyNotReady() }))
  // Before any request to Slack, which may take its time: jobs don't need it.
  scheduler.wake()

  await identity.get().catch((error) => giveUpOnRefusal('SLACK_BOT_TOKEN', error))
  const problems = missingScopes(identity.scopes, groups)
  if (problems.length > 0) throw new ConfigError(problems)
  const app = new BoltApp({
    receiver: transport.receiver,
    authorize: async () => identity.known(),
    logger,
    clientOptions: clientOptions(apiUrl, logger, meter),
  })
  registerCommands(app, services)
  app.error(async (error) => log.error({ err: error }, 'a Slack request broke'))
  await transport.start().catch((error) => {
    giveUpOnRefusal('SLACK_APP_TOKEN', error)
    const reason = portProblem(error)
    throw reason === undefined ? error : new ConfigError([reason])
  })
  log.info({ connections: names, slack: mode.kind }, 'Dolly is up')
  // In the background: a provider that is down takes its time.
  void warnOfUnknownGroups(identity.client, groups, log)
  void warnUnreachable([...connections.values()], log)
}

/** A refused token stops the start. Slack being away doesn't: jobs go on, and the threads catch up. */
function giveUpOnRefusal(variable: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', error: unknown): void {
  const refusal = error instanceof WebAPIPlatformError ? refusalOf(variable, error.data.error) : undefined
  if (refusal !== undefined) throw new ConfigError([refusal])
}
