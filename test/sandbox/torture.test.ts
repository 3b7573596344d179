/** The torture run's own judgement: what counts as an offence, and what its plans may hold. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../sandbox/slack/protocol.js'
import { judge } from '../../sandbox/torture/judge.js'
import type { Submission } from '../../sandbox/torture/people.js'
import { planBirths, planLives } from '../../sandbox/torture/plan.js'
import type { Exchange } from '../../sandbox/torture/proxy.js'
import { createRandom } from '../../sandbox/torture/random.js'
import { trades } from '../../sandbox/torture/trades.js'
import * as providers from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'

const sync = trades.find(({ operation }) => operation === 'sync') ?? trades[1]
const id = '5'.repeat(24)

/** Ann's sync, sent at 1000, and Bo's after it on the same copy, sent at 5000. */
function twoSyncs(): [Submission, Submission] {
  const errand = sync.errand(0)
  const common = { trade: sync, errand, channel: 'C1', id, progress: 'over', isAcknowledged: true } as const
  const first: Submission = { ...common, number: 0, who: 'U1', sentAt: 1_000, rowsThen: rows('running') }
  return [first, { ...common, number: 1, who: 'U2', sentAt: 5_000, after: first }]
}

const rows = (status: string) => [[sync.errand(0).target, 'woolworks-staging', 'fold-0001', status]]

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
    const what = `Sync a copy: the container it was copied from → ${sync.errand(0).target} on hoody (Hoody)`
    const text = `${what}, asked for by <@${who}>. ${end}.`
    const words = end === 'Done' ? 'Done in 3 s' : `<@${who}> This failed after 3 s`
    return [
      { ...message, ts: `${at}.1`, text },
      { ...message, ts: `${at}.2`, threadTs: `${at}.1`, text: words },
    ]
  })
}

const written = (at: number): Exchange => {
  const path = `/api/v1/containers/${id}/sync`
  return { at, method: 'POST', path, body: undefined, status: 200, answer: {}, mishap: undefined }
}

function sentences(messages: Message[], book: Exchange[], status = 'running'): string[] {
  const { offences } = judge({
    submissions: twoSyncs(),
    messages,
    books: { hoody: book },
    tables: { hoody: rows(status) },
  })
  return offences.map(({ count, submission, sentence }) => `${submission.who}: ${count}. ${sentence}`)
}

describe('two jobs after one another on one target', () => {
  const done = threads({ U1: 'Done', U2: 'Done' })

  it('are fine with a write each', () => {
    expect(sentences(done, [written(2_000), written(6_000)])).toEqual([])
  })

  it('show it when the second was told as done and never sent', () => {
    expect(sentences(done, [written(2_000)])).toEqual([
      'U2: ends told wrong. The thread says Done, and nothing was written for it.',
    ])
  })

  it('show it when one was sent twice and the other never, whose sum is right', () => {
    expect(sentences(done, [written(2_000), written(3_000)])).toEqual([
      'U1: writes made twice. sync: 2 times.',
      'U2: ends told wrong. The thread says Done, and nothing was written for it.',
    ])
  })

  it('count a write that comes when the first has long ended as one too many', () => {
    expect(sentences(done, [written(2_000), written(6_000), written(7_000)])).toEqual([
      'U2: writes made twice. sync: 2 times.',
    ])
  })

  it('are judged by what the target showed in their own time', () => {
    const messages = threads({ U1: 'Done', U2: 'Failed' })
    expect(sentences(messages, [written(2_000), written(6_000)], 'failed')).toEqual([])
  })

  it('are lost one by one', () => {
    expect(sentences(threads({ U1: 'Done' }), [written(2_000)])).toEqual([
      'U2: jobs lost. Slack was told that it was taken, and nothing came of it.',
    ])
  })
})

describe('a plan', () => {
  const plans = Array.from({ length: 40 }, (_, seed) => planLives(createRandom(seed), 200))
  const faults = plans.flat().flatMap((life) => [...life.faults, ...life.whileDead])

  it('lets no write arrive when its provider’s file says that it never will', () => {
    const held = faults.flatMap((fault) =>
      fault.kind === 'mishap' && fault.accident.mishap === 'much too late request' ? [fault] : [],
    )
    expect(held.length).toBeGreaterThan(0)
    for (const { of, accident } of held) {
      const provider = Object.values<Provider>(providers).find((one) => one.id === of)
      const steps = Object.values(provider?.operations ?? {}).flatMap((operation) => [...operation.steps])
      expect(accident.heldMs).toBeLessThan(Math.min(...steps.map(({ settleMs }) => settleMs ?? 10_000)))
    }
  })

  it('sets the clock off for good by less than five minutes', () => {
    const left = faults.flatMap((fault) => (fault.kind === 'clock' && fault.forMs === null ? [fault.byMs] : []))
    expect(Math.max(...left)).toBeGreaterThan(240_000)
    expect(Math.max(...left.map(Math.abs))).toBeLessThan(300_000)
  })

  it('lets a handful die at the first start, also of two at once', () => {
    const births = planBirths(createRandom(1), 15)
    expect(births.length).toBeGreaterThanOrEqual(5)
    expect(new Set(births.map(({ processes }) => processes))).toEqual(new Set([1, 2]))
  })
})
