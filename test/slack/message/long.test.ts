/** Names and details that are made to be long: they're cut, and what Dolly itself says stands. */
import { describe, expect, it } from 'vitest'
import { type EventKind, FINAL_STATES, type Job, LIVE_STATES, type State } from '../../../src/domain/job.js'
import { type JobView, oldRootMessage, rootMessage } from '../../../src/slack/message/job.js'
import { replyMessage } from '../../../src/slack/message/reply.js'
import { start } from '../../helpers/job.js'
import { viewIn } from '../../helpers/job-view.js'

const states = [...LIVE_STATES, ...FINAL_STATES]
const kinds: EventKind[] = [
  ...(['found', 'uncertain', 'unreachable', 'reachable', 'step_done', 'succeeded', 'failed', 'timed_out'] as const),
  ...(['started_over', 'cancelled', 'unsettled', 'reminder', 'stranded', 'approval_given', 'denied'] as const),
  ...(['expiry_near', 'expiry_reached', 'extended'] as const),
]
const length = 10_000
const hostile = ['x', '&', '<', '🐑', 'x ', '_', ':', '<@U9> ', '&amp;', 'x (', '/ '].map((part) =>
  part.repeat(length / part.length),
)
const short = 'short'

type Shown = { text: string; blocks: readonly unknown[] } | null

/** Our own sentences: what the same message says beside what others wrote. */
function sentencesOf(message: (text: string) => Shown): [inText: string[], inBlocks: string[]] {
  const shown = message(short)
  const words = (text: string) => text.split(/short\.?/)
  return [words(shown?.text ?? ''), words(textIn(shown?.blocks))]
}

/** All that is shown of blocks but buttons. */
function textIn(blocks: unknown): string {
  const texts: string[] = []
  JSON.stringify(blocks, (_key, value) => {
    if (value?.type === 'actions') return undefined
    if (value?.type === 'mrkdwn') texts.push(value.text)
    return value
  })
  return texts.join('\n')
}

function expectWhole(message: (text: string) => Shown): void {
  const [inText, inBlocks] = sentencesOf(message)
  for (const text of hostile) {
    const shown = message(text)
    for (const sentence of inText) expect(shown?.text).toContain(sentence)
    for (const sentence of inBlocks) expect(textIn(shown?.blocks)).toContain(sentence)
    expect(shown?.text.length ?? 0).toBeLessThanOrEqual(4_000)
    for (const block of shown?.blocks ?? []) expect(textIn([block]).length).toBeLessThanOrEqual(3_000)
  }
}

function longView(state: State, text: string, rest: Partial<Job> = {}): JobView {
  const by = ['U2', 'U3']
  const approval = { by, count: 2, expiresAt: start, copied: text, notCopied: text, warning: text }
  return viewIn(
    state,
    { source: text, target: text, connection: text, detail: text, dueAt: start, approval, ...rest },
    {
      thread: { channel: 'D1', ts: '2.2' },
      title: text,
      provider: text,
      steps: new Map([
        ['copy', { title: text, doing: text }],
        ['deploy', { title: text, doing: text }],
      ]),
      typicalMs: 180_000,
      mayAppearTwice: true,
    },
  )
}

describe('names and details that are made to be long', () => {
  it.each(states)('push no sentence of ours off a root that is %s', (state) => {
    for (const rest of [{}, { attempt: 0, ref: null }, { unreachableSince: 1 }, { removes: 'aaaaa' }]) {
      expectWhole((text) => {
        const { plainBlocks, ...root } = rootMessage(longView(state, text, rest))
        return { ...root, blocks: plainBlocks ?? root.blocks }
      })
      for (const goesOn of [true, false]) expectWhole((text) => oldRootMessage(longView(state, text, rest), goesOn))
    }
  })

  it.each(kinds)('push no sentence of ours off a reply that tells: %s', (kind) => {
    const event = (detail: string) => ({
      ...{ jobId: 'k7f3q', seq: 4, kind, at: start + 12_000, step: 'copy', detail, actor: 'U2' },
    })
    expect(replyMessage(longView('working', short), event(short))).not.toBeNull()
    for (const state of ['working', 'failed'] as const)
      expectWhole((text) => replyMessage(longView(state, text), event(text)))
  })

  it('are cut so that what matters stands: what each answer does, and what is left behind', () => {
    const text = '&'.repeat(10_000)
    const question = rootMessage(longView('uncertain', text))
    for (const shown of [question.text, textIn(question.blocks)]) {
      expect(shown).toContain(
        'Check again looks for it once more, Start over sends the request again, Dismiss ends this job.',
      )
    }
  })
})
