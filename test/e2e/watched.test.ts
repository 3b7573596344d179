/** The real bot as those see it who watch it: one clone, in its log and in its metrics. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { documentedMetrics } from '../helpers/monitoring-page.js'
import { askForCopy, isDone, startWorld, type World } from '../helpers/world.js'

interface Line {
  msg: string
  request?: string
  job?: string
}

let world: World
/** What it logged since it was up and had asked everybody once. */
let lines: readonly Line[]
/** What Prometheus read at the end. */
let scrape: string

beforeAll(async () => {
  world = await startWorld('http')
  const port = await freePort()
  const bot = await world.start({ METRICS_PORT: `${port}` })
  await vi.waitUntil(() => bot.log().includes('connections answered'), { timeout: 20_000 })
  const before = bot.log().length
  await askForCopy(world, 'watched')
  const ann = world.workspace.as(world.workspace.people.ann.id)
  await ann.waitForMessage(({ text }) => text.includes('watched') && isDone(text), 20_000)
  scrape = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  await bot.kill('SIGTERM')
  lines = bot
    .log()
    .slice(before)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => !/^(work in progress has ended|Dolly has stopped)$/.test(msg))
}, 60_000)
afterAll(() => world.close())

const isAbout = (pattern: RegExp) => lines.filter(({ msg }) => pattern.test(msg))

it('every line that a request or a job causes names it', () => {
  expect(lines.length).toBeGreaterThan(50)
  expect(lines.filter(({ request, job }) => request === undefined && job === undefined)).toEqual([])
})

it('each request has an id of its own, which the line about the new job has too', () => {
  const acks = isAbout(/^ack\(\) call begins/)
  // The command, two lists, two pages; opening the second page is a click.
  expect(acks.length).toBeGreaterThan(4)
  expect(new Set(acks.map(({ request }) => request)).size).toBe(acks.length)
  expect(isAbout(/^a job was created$/)).toEqual([
    expect.objectContaining({ request: acks.at(-1)?.request, job: expect.stringMatching(/^\w{5}$/) }),
  ])
})

it('what workers do later, and what the client of Slack says of it, names the job and no request', () => {
  const [created] = isAbout(/^a job was created$/)
  const later = isAbout(/^(job moved|apiCall\('chat\.\w+'\) start)$/)
  expect(later.length).toBeGreaterThan(4)
  for (const line of later) expect([line.job, line.request]).toEqual([created?.job, undefined])
})

it('each kind of thing that a clone does is measured', () => {
  for (const line of [
    'dolly_ready 1',
    'dolly_provider_request_duration_seconds_count{connection="hoody",provider="hoody",kind="write",outcome="ok"} 1',
    'dolly_step_duration_seconds_count{connection="hoody",operation="copy",step="copy",outcome="done"} 1',
    'dolly_slack_ack_duration_seconds_count{kind="command"} 1',
    'dolly_jobs{connection="hoody",state="working"} 0',
    'dolly_pending_messages 0',
    'dolly_rate_limited_total{service="slack",connection=""} 0',
  ])
    expect(scrape.split('\n')).toContain(line)
  expect(scrape).toMatch(
    /^dolly_poll_duration_seconds_count\{connection="hoody",provider="hoody",outcome="ok"\} [1-9]/m,
  )
  expect(scrape).toMatch(/^dolly_message_delay_seconds_count [1-9]/m)
})

it('docs/monitoring.md has each metric with its type and labels, and no other', () => {
  const printed = [...scrape.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => ({ name, type }))
  const byName = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name)
  const documented = documentedMetrics.map(({ name, type }) => ({ name, type }))
  expect(documented.sort(byName)).toEqual(printed.sort(byName))
  for (const { name, labels } of documentedMetrics) {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? [\\d.e+-]+$`, 'm').exec(scrape)
    const printedLabels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label)
    // Nothing was taken over or slow enough to have a sample, so there are no labels to read.
    if (sample !== null) expect([name, printedLabels.sort()]).toEqual([name, labels])
  }
})

it('the library that counts is in no file that a bot without metrics loads', () => {
  const chunks = readdirSync('dist').filter((file) => file.endsWith('.js'))
  const counting = chunks.filter((file) => readFileSync(`dist/${file}`, 'utf8').includes('prom-client'))
  expect(counting).toEqual([expect.stringMatching(/^prometheus-/)])
})

it('no name that a person or a provider wrote is in the metrics', () => {
  expect(scrape).not.toMatch(/watched|shop-api|woolworks|platform|ann\b/i)
})
