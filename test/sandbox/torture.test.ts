/** What the torture run counts as an offence, and what its plans hold. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../sandbox/slack/protocol.js'
import { judge } from '../../sandbox/torture/judge.js'
import { planFirstStarts, planKills } from '../../sandbox/torture/plan.js'
import type { Exchange } from '../../sandbox/torture/proxy.js'
import { createRandom } from '../../sandbox/torture/random.js'
import type { Submission } from '../../sandbox/torture/requester.js'
import { contested, scenarios } from '../../sandbox/torture/scenarios.js'
import * as providers from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'

const sync = scenarios.find(({ operation }) => operation === 'sync') ?? scenarios[1]
const id = '5'.repeat(24)

/** Ann's sync, sent at 1000, and Bo's after it on the same copy, sent at 5000. */
function twoSyncs(): [Submission, Submission] {
  const input = sync.input(0)
  const common = {
    scenario: sync,
    input,
    channel: 'C1',
    id,
    progress: 'over',
    isOnLastPage: true,
    isAcknowledged: true,
  } as const
  const first: Submission = { ...common, number: 0, who: 'U1', sentAt: 1_000, rowsThen: rows('running') }
  return [first, { ...common, number: 1, who: 'U2', sentAt: 5_000, after: first }]
}

const rows = (status: string) => [[sync.input(0).target, 'woolworks-staging', 'fold-0001', status]]

function threads(ends: Readonly<Record<string, string>>): Message[] {
  const message = {
    channel: 'C1',
    replyCount: 0,
    user: 'B',
    isBot: true,
    isEphemeral: false,
    isEdited: false,
    blocks: [],
  }
  return Object.entries(ends).flatMap(([who, end], at) => {
    const what = `Sync a copy: the container it was copied from → ${sync.input(0).target} on hoody (Hoody)`
    const { target } = sync.input(0)
    const root = (outcome: string) => [
      { ...message, ts: `${at}.1`, text: `${outcome} ${what}, requested by <@${who}>.` },
    ]
    if (end === 'Done') return root(`${target} is up to date (3 s).`)
    const reply = `<@${who}> ${target} failed after 3 s.`
    return [...root(`${target} failed (3 s).`), { ...message, ts: `${at}.2`, threadTs: `${at}.1`, text: reply }]
  })
}

const written = (at: number): Exchange => {
  const path = `/api/v1/containers/${id}/sync`
  return { at, method: 'POST', path, body: undefined, status: 200, answer: {}, mishap: undefined }
}

function sentences(messages: Message[], exchanges: Exchange[], status = 'running'): string[] {
  const { offences } = judge({
    submissions: twoSyncs(),
    messages,
    exchanges: { hoody: exchanges },
    tables: { hoody: rows(status) },
  })
  return offences.map(({ count, submission, sentence }) => `${submission?.who}: ${count}. ${sentence}`)
}

describe('two jobs after one another on one target', () => {
  const done = threads({ U1: 'Done', U2: 'Done' })

  it('are fine with a write each', () => {
    expect(sentences(done, [written(2_000), written(6_000)])).toEqual([])
  })

  it('are reported when the second thread says Done and nothing was sent', () => {
    expect(sentences(done, [written(2_000)])).toEqual([
      'U2: wrong results. The thread says Done, but nothing was written for it.',
    ])
  })

  it('are reported when one was sent twice and the other never, although the sum is right', () => {
    expect(sentences(done, [written(2_000), written(3_000)])).toEqual([
      'U1: duplicate writes. sync: 2 times.',
      'U2: wrong results. The thread says Done, but nothing was written for it.',
    ])
  })

  it('count a write that comes when the first has long ended as one too many', () => {
    expect(sentences(done, [written(2_000), written(6_000), written(7_000)])).toEqual([
      'U2: duplicate writes. sync: 2 times.',
    ])
  })

  it('are judged by what the target showed in their own time', () => {
    const messages = threads({ U1: 'Done', U2: 'Failed' })
    expect(sentences(messages, [written(2_000), written(6_000)], 'failed')).toEqual([])
  })

  it('are reported as lost one by one', () => {
    expect(sentences(threads({ U1: 'Done' }), [written(2_000)])).toEqual([
      'U2: lost jobs. The form was accepted, but there is no thread.',
    ])
  })
})

describe('a thread that moved because Slack refused its place', () => {
  const [{ scenario, input, channel: place }] = twoSyncs()
  const what = `${scenario.title}: the container it was copied from → ${input.target} on hoody (Hoody), requested by <@U1>.`
  const message = { replyCount: 0, user: 'B', isBot: true, isEphemeral: false, isEdited: false, blocks: [] }
  const edit: Exchange = {
    ...{ at: 3_000, method: 'POST', path: '/api/chat.update', status: 200, answer: {}, mishap: undefined },
    body: `channel=${place}&ts=1.1`,
  }
  const judged = (old: string, exchanges: Exchange[]) =>
    judge({
      submissions: twoSyncs().slice(0, 1),
      messages: [
        { ...message, channel: place, ts: '1.1', text: old.replace('…', what) },
        {
          ...message,
          channel: 'D1',
          ts: '2.1',
          text: `${input.target} is up to date (3 s). ${what} An earlier message`,
        },
        {
          ...message,
          channel: 'D1',
          ts: '2.2',
          threadTs: '2.1',
          text: `<@U1> ${input.target} is up to date after 3 s.`,
        },
      ],
      exchanges: { hoody: [written(2_000)], slack: exchanges },
      tables: { hoody: rows('running') },
    }).offences.map(({ sentence }) => sentence)

  it('is fine when its old root shows how it ended', () => {
    expect(
      judged(`${input.target} is up to date (3 s). … The details are in a direct message to <@U1>.`, [edit]),
    ).toEqual([])
  })

  it('is broken when its old root still says that the job goes on', () => {
    const sentences = judged(`${input.target}: moved. Updates continue in a direct message to <@U1>. …`, [edit])
    expect(sentences).toEqual([expect.stringMatching(/^An abandoned root does not show the result: /)])
  })

  it('is not blamed for a root that Dolly never learned was posted', () => {
    expect(judged(`${input.target}: moved. Updates continue in a direct message to <@U1>. …`, [])).toEqual([])
  })
})

describe('one target that two people asked for at the same time', () => {
  const asked = contested.input(0)
  const first: Submission = {
    ...{ number: 0, scenario: contested, input: asked, channel: 'C1', who: 'U1', sentAt: 1_000 },
    ...{ progress: 'over', isOnLastPage: true, isAcknowledged: true },
  }
  const second: Submission = { ...first, number: 1, who: 'U2', sentAt: 1_001, isAcknowledged: false, rival: first }
  first.rival = second
  const root = (who: string): Message => ({
    ...{ channel: 'C1', ts: `${who}.1`, replyCount: 0, user: 'B', isBot: true, isEphemeral: false, isEdited: false },
    ...{
      blocks: [],
      text: `${asked.target} is queued. Clone a service: shop-api → ${asked.target} on qovery (Qovery), requested by <@${who}>.`,
    },
  })
  const problems = (named: string | undefined, ...who: string[]) =>
    judge({
      submissions: [first, named === undefined ? second : { ...second, first: named }],
      messages: who.map(root),
      exchanges: {},
      tables: {},
    }).offences.flatMap(({ count, sentence }) => (count === 'target conflicts' ? [sentence] : []))

  it('is fine when one has the job and the other learns who was first', () => {
    expect(problems('U1', 'U1')).toEqual([])
  })

  it('is reported when both have a job', () => {
    expect(problems(undefined, 'U1', 'U2')).toEqual(['Two people have a job on it.'])
  })

  it('is reported when the form names somebody without a job', () => {
    expect(problems('U1')).toEqual(['The form names the other person as first, who has no job.'])
    expect(problems('U9', 'U1')).toEqual(['The form names U9 as first, who did not ask for it.'])
  })
})

describe('a plan', () => {
  const plans = Array.from({ length: 40 }, (_, seed) => planKills(createRandom(seed), 200))
  const faults = plans.flat().flatMap((killPlan) => [...killPlan.faults, ...killPlan.whileDown])

  it('lets no write arrive after the time at which its provider’s file says that it never will', () => {
    const held = faults.flatMap((fault) =>
      fault.kind === 'mishap' && fault.accident.mishap === 'much too late request' ? [fault] : [],
    )
    expect(held.length).toBeGreaterThan(0)
    for (const { of, accident } of held) {
      const provider = Object.values<Provider>(providers).find((one) => one.id === of)
      const steps = Object.values(provider?.operations ?? {}).flatMap((operation) => [...operation.steps])
      // With 0 a step says that its write sets a value: one that arrives late does no harm.
      const waits = steps.map(({ absentAfterMs = 10_000 }) => absentAfterMs).filter((ms) => ms > 0)
      expect(accident.heldMs).toBeLessThan(Math.min(...waits))
    }
  })

  it('sets the clock off for good by less than five minutes', () => {
    const left = faults.flatMap((fault) => (fault.kind === 'clock' && fault.forMs === null ? [fault.byMs] : []))
    expect(Math.max(...left)).toBeGreaterThan(240_000)
    expect(Math.max(...left.map(Math.abs))).toBeLessThan(300_000)
  })

  it('holds the database for longer than anybody waits for one write, and up to 20 seconds', () => {
    const held = faults.flatMap((fault) => (fault.kind === 'locked' ? [fault.forMs] : []))
    expect(held.filter((ms) => ms > 10_000).length).toBeGreaterThan(10)
    expect(Math.max(...held)).toBeLessThanOrEqual(20_000)
  })

  it('lets Slack reach half of the bots over sockets, which go silent in each of the ways', () => {
    for (const killPlans of plans) {
      const overSockets = killPlans.filter(({ mode }) => mode === 'socket')
      expect(overSockets.length).toBeGreaterThan(killPlans.length / 5)
      for (const { faults } of killPlans.filter(({ mode }) => mode === 'http'))
        expect(faults.some(({ kind }) => kind === 'silent socket')).toBe(false)
    }
    const ways = faults.flatMap((fault) => (fault.kind === 'silent socket' ? [fault.how] : []))
    expect(new Set(ways)).toEqual(new Set(['mute', 'no hello', 'no upgrade']))
  })

  it('has a second process on the database, over HTTP and sockets, which is killed or waits for 15 seconds now and then', () => {
    const two = plans.flat().filter(({ processes }) => processes === 2)
    expect(new Set(two.map(({ mode, victim }) => `${mode} ${victim}`))).toEqual(
      new Set(['http active', 'http standby', 'socket active', 'socket standby']),
    )
    const waits = two.filter(({ killTime }) => 'afterMs' in killTime && killTime.afterMs > 15_000)
    expect(waits.length).toBeGreaterThan(two.length / 20)
    for (const { victim } of waits) expect(victim).toBe('active')
  })

  it('kills a bot with a silent socket only when it can have noticed', () => {
    const silent = plans.flat().filter((killPlan) => killPlan.faults.some(({ kind }) => kind === 'silent socket'))
    expect(silent.length).toBeGreaterThan(0)
    for (const { killTime } of silent)
      expect('afterMs' in killTime ? killTime.afterMs : 0).toBeGreaterThanOrEqual(9_000)
  })

  it('refuses places in channels with words of all kinds, and limits rates without a word on when', () => {
    const accidents = faults.flatMap((fault) => (fault.kind === 'mishap' ? [fault] : []))
    const refused = accidents.filter(({ accident }) => accident.mishap === 'refused place')
    expect(new Set(refused.map(({ of, accident }) => `${of} ${accident.on}`))).toEqual(
      new Set(['slack post to a channel']),
    )
    expect(new Set(refused.map(({ accident }) => accident.word)).size).toBeGreaterThan(8)
    const bare = accidents.filter(({ accident }) => accident.mishap === 'bare rate limit').map(({ of }) => of)
    expect(new Set(bare)).toEqual(new Set(['slack', ...Object.values<Provider>(providers).map(({ id }) => id)]))
  })

  it('lets Rainbond speak as before 6.0 for a while', () => {
    const dialects = faults.flatMap((fault) => (fault.kind === 'dialect' ? [`${fault.of} ${fault.dialect}`] : []))
    expect(new Set(dialects)).toEqual(new Set(['rainbond old-events']))
  })

  it('kills a handful at the first start, also of two at once', () => {
    const firstStarts = planFirstStarts(createRandom(1), 15)
    expect(firstStarts.length).toBeGreaterThanOrEqual(5)
    expect(new Set(firstStarts.map(({ processes }) => processes))).toEqual(new Set([1, 2]))
  })
})
