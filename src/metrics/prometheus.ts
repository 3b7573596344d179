/** The metrics as Prometheus reads them. docs/monitoring.md explains each. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { LIVE_STATES } from '../domain/job.js'
import { within } from '../lib/within.js'
import type { Unfinished } from '../store/measure.js'
import type { Meter } from './meter.js'

/** What is asked only when somebody reads the metrics. */
export interface Sources {
  /** The names of dolly.yml, each with the id of its provider. */
  connections: ReadonlyMap<string, string>
  countUnfinished(): Promise<Unfinished>
  /** Undefined if this process can take and do what people ask for. */
  whyNotReady(): string | undefined
  /** Milliseconds since 1970, as the database counts. */
  now(): number
}

export interface Metrics {
  meter: Meter
  contentType: string
  /** All metrics as text. Never rejects for a database that is away: what it would know is missing then. */
  scrape(sources: Sources): Promise<string>
}

/** How long a scrape waits for the database, in milliseconds. Prometheus itself gives up after ten seconds. */
const QUERY_WITHIN_MS = 2_000
/** For jobs of connections that dolly.yml no longer has. No connection can be called so. */
const REMOVED = '(removed)'

/** Upper bounds in seconds, each where people or the docs draw a line: three seconds is Slack's limit. */
const ACK_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5]
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const DELAY_BUCKETS = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600]
const STEP_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ prefix: 'dolly_', register: registry })

  const requests = new Histogram({
    name: 'dolly_provider_request_duration_seconds',
    help: 'Requests to providers, with the retries of a read, by connection, kind and outcome.',
    labelNames: ['connection', 'provider', 'kind', 'outcome'],
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const polls = new Histogram({
    name: 'dolly_poll_duration_seconds',
    help: 'Polls of a connection for all its due jobs in one step.',
    labelNames: ['connection', 'provider', 'outcome'],
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const steps = new Histogram({
    name: 'dolly_step_duration_seconds',
    help: 'Steps of jobs, from when they became current to their end.',
    labelNames: ['connection', 'operation', 'step', 'outcome'],
    buckets: STEP_BUCKETS,
    registers,
  })
  const acks = new Histogram({
    name: 'dolly_slack_ack_duration_seconds',
    help: "Slack's requests, from their arrival to the answer. Slack gives up after three seconds.",
    labelNames: ['kind'],
    buckets: ACK_BUCKETS,
    registers,
  })
  const delays = new Histogram({
    name: 'dolly_message_delay_seconds',
    help: 'Events that a thread shows now, since they happened.',
    buckets: DELAY_BUCKETS,
    registers,
  })
  const rateLimits = new Counter({
    name: 'dolly_rate_limited_total',
    help: 'Answers with status 429, by who sent them: slack, or the provider of a connection.',
    labelNames: ['service', 'connection'],
    registers,
  })
  const takeovers = new Counter({
    name: 'dolly_claim_takeovers_total',
    help: 'How often this process freed the claims of processes that died.',
    registers,
  })
  const ready = new Gauge({ name: 'dolly_ready', help: '1 if GET /readyz would answer 200, otherwise 0.', registers })
  const jobs = new Gauge({
    name: 'dolly_jobs',
    help: 'Live jobs in the database. Every replica reports all of them, so take the max, not the sum.',
    labelNames: ['connection', 'state'],
    registers,
  })
  const pending = new Gauge({
    name: 'dolly_pending_messages',
    help: 'Events in the database that their threads do not show yet. Every replica reports all of them.',
    registers,
  })
  const oldest = new Gauge({
    name: 'dolly_pending_messages_oldest_seconds',
    help: 'How long ago the oldest of these events happened; 0 if there is none. Every replica reports the same.',
    registers,
  })

  /** One query, however many ask at once, and however long it takes. */
  let counting: Promise<Unfinished> | undefined
  const countOnce = (sources: Sources) => {
    counting ??= sources.countUnfinished().finally(() => {
      counting = undefined
    })
    return counting
  }

  async function update(sources: Sources): Promise<void> {
    const { connections, whyNotReady, now } = sources
    ready.set(whyNotReady() === undefined ? 1 : 0)
    // So that the first one counts as an increase.
    rateLimits.inc({ service: 'slack', connection: '' }, 0)
    for (const [connection, service] of connections) rateLimits.inc({ service, connection }, 0)

    const unfinished = await within(QUERY_WITHIN_MS, countOnce(sources)).catch(() => undefined)
    for (const gauge of [jobs, pending, oldest]) gauge.reset()
    if (unfinished === undefined) {
      pending.remove()
      oldest.remove()
      return
    }
    for (const connection of connections.keys()) for (const state of LIVE_STATES) jobs.set({ connection, state }, 0)
    for (const { connection, state, count } of unfinished.jobs)
      jobs.inc({ connection: connections.has(connection) ? connection : REMOVED, state }, count)
    const { pending: waiting } = unfinished
    pending.set(waiting.count)
    oldest.set(waiting.oldestAt === null ? 0 : Math.max(now() - waiting.oldestAt, 0) / 1_000)
  }

  return {
    contentType: registry.contentType,
    scrape: async (sources) => {
      await update(sources)
      return await registry.metrics()
    },
    meter: {
      requested: (labels, ms) => requests.observe(labels, ms / 1_000),
      polled: (labels, ms) => polls.observe(labels, ms / 1_000),
      stepEnded: (labels, ms) => steps.observe(labels, Math.max(ms, 0) / 1_000),
      rateLimited: (labels) => rateLimits.inc(labels),
      claimsTakenOver: () => takeovers.inc(),
      acknowledged: (kind, ms) => acks.observe({ kind }, ms / 1_000),
      notified: (ms) => delays.observe(Math.max(ms, 0) / 1_000),
    },
  }
}
