/** What a scrape answers, from where, and when the database doesn't. */
import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { noMeter } from '../../src/metrics/meter.js'
import { openMetrics } from '../../src/metrics/open.js'
import type { Sources } from '../../src/metrics/prometheus.js'

const host = '127.0.0.1'

const sources: Sources = {
  connections: new Map([['farm', 'dummy']]),
  countUnfinished: async () => ({ jobs: [], pending: { count: 0, oldestAt: null } }),
  whyNotReady: () => undefined,
  now: () => 100_000,
}

/** Metrics that are served, and a reader of their lines. */
async function served(overrides: Partial<Sources> = {}) {
  const port = await freePort()
  const { meter, serve } = await openMetrics({ host, port })
  onTestFinished(await serve({ ...sources, ...overrides }))
  const read = async () => await (await fetch(`http://${host}:${port}/metrics`)).text()
  /** The values of a metric of ours by its labels, as they are printed. */
  const valuesOf = async (name: string) => {
    const lines = (await read())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return Object.fromEntries(
      lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    )
  }
  return { meter, port, read, valuesOf }
}

it('measures nothing without a port', async () => {
  const { meter, serve } = await openMetrics(undefined)
  expect(meter).toBe(noMeter)
  await (await serve(sources))()
})

it('answers GET /metrics as Prometheus reads it, and nothing else', async () => {
  const { port } = await served()
  const answer = await fetch(`http://${host}:${port}/metrics`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  for (const [path, method] of [
    ['/', 'GET'],
    ['/metrics', 'POST'],
    ['/metrics?x', 'GET'],
  ] as const)
    expect((await fetch(`http://${host}:${port}${path}`, { method })).status).toBe(404)
})

it('shows a zero where nothing happened yet, so that the first time counts as an increase', async () => {
  const { valuesOf } = await served()
  expect(await valuesOf('dolly_rate_limited_total')).toEqual({
    '{service="slack",connection=""}': 0,
    '{service="dummy",connection="farm"}': 0,
  })
  expect(await valuesOf('dolly_claim_takeovers_total')).toEqual({ '': 0 })
  expect(await valuesOf('dolly_jobs')).toEqual({
    '{connection="farm",state="awaiting_approval"}': 0,
    '{connection="farm",state="queued"}': 0,
    '{connection="farm",state="starting"}': 0,
    '{connection="farm",state="working"}': 0,
    '{connection="farm",state="uncertain"}': 0,
  })
})

it('adds up what is measured, in seconds', async () => {
  const { meter, valuesOf } = await served()
  const of = { connection: 'farm', provider: 'dummy' }
  meter.requested({ ...of, kind: 'write', outcome: 'lost' }, 1_500)
  meter.polled({ ...of, outcome: 'ok' }, 250)
  meter.stepEnded({ connection: 'farm', operation: 'clone', step: 'copy', outcome: 'done' }, 90_000)
  meter.acknowledged('form', 20)
  meter.notified(2_000)
  // A clock that was set back between the two.
  meter.notified(-5_000)
  meter.rateLimited({ service: 'slack', connection: '' })
  meter.claimsTakenOver()
  const labels = '{connection="farm",provider="dummy",kind="write",outcome="lost"}'
  expect(await valuesOf('dolly_provider_request_duration_seconds_sum')).toEqual({ [labels]: 1.5 })
  expect(await valuesOf('dolly_poll_duration_seconds_sum')).toEqual({
    '{connection="farm",provider="dummy",outcome="ok"}': 0.25,
  })
  expect(await valuesOf('dolly_step_duration_seconds_sum')).toEqual({
    '{connection="farm",operation="clone",step="copy",outcome="done"}': 90,
  })
  expect(await valuesOf('dolly_slack_ack_duration_seconds_sum')).toEqual({ '{kind="form"}': 0.02 })
  expect(await valuesOf('dolly_message_delay_seconds_sum')).toEqual({ '': 2 })
  expect(await valuesOf('dolly_rate_limited_total')).toMatchObject({ '{service="slack",connection=""}': 1 })
  expect(await valuesOf('dolly_claim_takeovers_total')).toEqual({ '': 1 })
})

it('counts jobs of connections that dolly.yml no longer has under one name', async () => {
  const jobs = [
    { connection: 'farm', state: 'working', count: 2 },
    { connection: 'old', state: 'queued', count: 3 },
    { connection: 'older', state: 'queued', count: 4 },
  ] as const
  const { valuesOf } = await served({
    countUnfinished: async () => ({ jobs, pending: { count: 5, oldestAt: 40_000 } }),
  })
  // A second one shows the same: nothing is added up from one scrape to the next.
  await valuesOf('dolly_jobs')
  expect(await valuesOf('dolly_jobs')).toMatchObject({
    '{connection="farm",state="working"}': 2,
    '{connection="(removed)",state="queued"}': 7,
  })
  expect(await valuesOf('dolly_pending_messages')).toEqual({ '': 5 })
  expect(await valuesOf('dolly_pending_messages_oldest_seconds')).toEqual({ '': 60 })
})

it('leaves out what only the database knows while that is away, and says the rest', async () => {
  let isAway = false
  const { valuesOf } = await served({
    countUnfinished: async () => {
      if (isAway) throw new Error('away')
      return { jobs: [], pending: { count: 1, oldestAt: 1 } }
    },
    whyNotReady: () => (isAway ? 'the database is away' : undefined),
  })
  expect([await valuesOf('dolly_ready'), await valuesOf('dolly_pending_messages')]).toEqual([{ '': 1 }, { '': 1 }])
  isAway = true
  expect(await valuesOf('dolly_ready')).toEqual({ '': 0 })
  for (const name of ['dolly_jobs', 'dolly_pending_messages', 'dolly_pending_messages_oldest_seconds'])
    expect(await valuesOf(name)).toEqual({})
  isAway = false
  expect(await valuesOf('dolly_pending_messages')).toEqual({ '': 1 })
})

it('asks a database that does not answer once, however many scrapes wait, and answers them after two seconds', async () => {
  let queries = 0
  const { valuesOf } = await served({
    countUnfinished: () => {
      queries += 1
      return new Promise(() => {})
    },
  })
  const begun = performance.now()
  const answers = await Promise.all([valuesOf('dolly_ready'), valuesOf('dolly_ready'), valuesOf('dolly_jobs')])
  expect(answers).toEqual([{ '': 1 }, { '': 1 }, {}])
  expect(performance.now() - begun).toBeGreaterThan(1_900)
  expect(queries).toBe(1)
})

it('says what to change when it cannot listen there', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, host, resolve))
  onTestFinished(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const begin = async (at: { host: string; port: number }) => await (await openMetrics(at)).serve(sources)
  await expect(begin({ host, port })).rejects.toThrow(
    `Dolly can't serve metrics on port ${port} of 127.0.0.1: another program uses it. Set METRICS_PORT to a free one.`,
  )
  await expect(begin({ host: '203.0.113.7', port: await freePort() })).rejects.toThrow(
    "of 203.0.113.7: this machine doesn't have that address. Set METRICS_HOST to one that it has.",
  )
})
