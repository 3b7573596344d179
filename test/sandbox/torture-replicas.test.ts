/** What the torture run does with several replicas: its plan, its balancer, its page, and the limits of the sandbox's Slack. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRateLimits } from '../../sandbox/slack/rate-limits.js'
import { type Balancer, startBalancer } from '../../sandbox/torture/balancer.js'
import { page } from '../../sandbox/torture/page.js'
import { planReplicaKills, planSharedStarts } from '../../sandbox/torture/plan-replicas.js'
import { createRandom } from '../../sandbox/torture/random.js'
import type { Result } from '../../sandbox/torture/torture.js'

describe('the plan for replicas', () => {
  const plans = planReplicaKills(createRandom(1), 300, 3)
  const faults = plans.flatMap((plan) => plan.faults)

  it('is the same for the same seed', () => {
    expect(planReplicaKills(createRandom(1), 300, 3)).toEqual(plans)
    expect(planSharedStarts(createRandom(1), 300, 3)).toEqual(planSharedStarts(createRandom(1), 300, 3))
  })

  it('kills each replica, except for the one that is spared at the time, over HTTP and over sockets', () => {
    expect(new Set(plans.map(({ victim }) => victim))).toEqual(new Set([0, 1, 2]))
    expect(plans.filter(({ victim, spared }) => victim === spared)).toEqual([])
    expect(plans.filter(({ mode }) => mode === 'socket').length).toBeGreaterThan(100)
    expect(plans.filter(({ mode }) => mode === 'http').length).toBeGreaterThan(100)
  })

  it('freezes 75 times in 300 kills, mostly for longer than a lease', () => {
    const freezes = faults.filter((fault) => fault.kind === 'frozen')
    expect(freezes).toHaveLength(75)
    expect(freezes.filter(({ forMs }) => forMs >= 14_000).length).toBeGreaterThan(30)
    expect(new Set(freezes.map(({ which }) => which))).toEqual(new Set([0, 1, 2]))
  })

  it('restarts Postgres at once and takes it away for 14 s in a long write, once for every hundred kills', () => {
    const away = faults.filter((fault) => fault.kind === 'away')
    expect(away.filter(({ forMs }) => forMs === 0)).toHaveLength(3)
    expect(away.filter(({ from, forMs }) => from === 'slow write' && forMs === 14_000)).toHaveLength(3)
  })

  it('leaves alone the clock that is ahead for good, and what only a file has', () => {
    const clocks = faults.filter((fault) => fault.kind === 'clock')
    expect(new Set(clocks.map(({ which }) => which))).toEqual(new Set([0, 1]))
    expect(faults.filter(({ kind }) => kind === 'locked' || kind === 'full disk')).toEqual([])
  })
})

describe('the balancer', () => {
  const servers = ['first', 'second'].map((name) => {
    const state = { isReady: true }
    const server = createServer((request, response) => {
      if (request.url !== '/slack/events') response.writeHead(state.isReady ? 200 : 503).end()
      else if (name === 'second' && request.headers['x-die']) request.socket.destroy()
      else response.end(name)
    })
    return { state, server }
  })
  let balancer: Balancer

  beforeAll(async () => {
    for (const { server } of servers)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    balancer = await startBalancer(servers.map(({ server }) => (server.address() as AddressInfo).port))
  })
  afterAll(async () => {
    await balancer.close()
    for (const { server } of servers) server.close()
  })

  const ask = async (headers: Record<string, string> = {}) => {
    const answer = await fetch(`${balancer.url}/slack/events`, { method: 'POST', body: 'x', headers })
    return answer.ok ? await answer.text() : answer.status
  }

  it('lets replicas take turns, and answers 502 for one that dies with a request', async () => {
    await expect.poll(() => balancer.readyCount()).toBe(2)
    expect([await ask(), await ask(), await ask()].sort()).toEqual(expect.arrayContaining(['first', 'second']))
    const answers = [await ask({ 'x-die': '1' }), await ask({ 'x-die': '1' })]
    expect(answers.map(String).sort()).toEqual(['502', 'first'])
  })

  it('sends nothing to a replica that is not ready, and answers 503 when none is', async () => {
    const [first, second] = servers
    if (first) first.state.isReady = false
    await expect.poll(() => balancer.readyCount()).toBe(1)
    expect([await ask(), await ask()]).toEqual(['second', 'second'])
    if (second) second.state.isReady = false
    await expect.poll(() => balancer.readyCount()).toBe(0)
    expect(await ask()).toBe(503)
  })
})

describe("Slack's rate limits", () => {
  it('take a message a second in each channel, with five more at once', () => {
    let now = 0
    const limits = createRateLimits(() => now)
    const waits = Array.from({ length: 6 }, () => limits.spend('chat.postMessage', 'C1'))
    expect(waits).toEqual([0, 0, 0, 0, 0, 1_000])
    expect(limits.spend('chat.postMessage', 'C2')).toBe(0)
    now = 1_000
    expect(limits.spend('chat.postMessage', 'C1')).toBe(0)
    expect(limits.spend('chat.postMessage', 'C1')).toBe(1_000)
  })

  it('take fifty edits in any minute', () => {
    let now = 0
    const limits = createRateLimits(() => now)
    const waits = Array.from({ length: 50 }, () => limits.spend('chat.update', 'C1'))
    expect(new Set(waits)).toEqual(new Set([0]))
    now = 20_000
    expect(limits.spend('chat.update', 'C2')).toBe(40_000)
    now = 60_000
    expect(limits.spend('chat.update', 'C2')).toBe(0)
  })
})

describe('the page', () => {
  const result: Result = {
    ...{ seed: 1, began: new Date(0), tookMs: 0, canReadHistory: false, kills: 1, startMs: 1, replicas: undefined },
    ...{ offences: [], findings: [], failedStarts: [], submissions: [], runs: [], uncertain: [], ownExits: [] },
    ...{ deaths: {}, faults: {}, firstPolls: [], retries: new Map(), bugs: new Map(), sharing: undefined },
    lock: { bothUp: 0, keptOut: 0, namedHolder: 0, takeovers: 0 },
    rateLimited: { all: 0, afterFaults: 0 },
    replay: () => '',
  }
  const shared: Result = {
    ...{ ...result, seed: 2, replicas: 3, lock: undefined },
    sharing: { tooManyWrites: [], takeovers: [{ ms: 10_100, isExcused: false }] },
  }

  it('keeps the part of the other database', () => {
    const both = page(shared, page(result, ''))
    expect(both.match(/^## The latest run on .*/gm)).toEqual([
      '## The latest run on SQLite',
      '## The latest run on Postgres',
    ])
    expect(both.match(/\| Seed \| \d/g)).toEqual(['| Seed | 1', '| Seed | 2'])
    expect(page({ ...result, seed: 3 }, both).match(/\| Seed \| \d/g)).toEqual(['| Seed | 3', '| Seed | 2'])
    expect(page(shared, both)).toBe(both)
  })

  it('counts exits and writes too many with replicas only', () => {
    expect(page(shared, '')).toContain('| Exits of their own: replicas that ended without being killed | 0 |')
    expect(page(shared, '')).toContain('| More writes at once than allowed | 0 |')
    expect(page(shared, '')).toContain('10100 ms, of 1 jobs')
    expect(page(result, '')).not.toContain('Exits of their own')
    expect(page(result, '')).toContain('| Two processes up on one database | 0 |')
  })
})
