import { describe, expect, it } from 'vitest'
import type { EventKind, Job, State } from '../../../src/domain/job.js'
import { type JobView, oldRootMessage, replyMessage, rootMessage } from '../../../src/slack/message/job.js'
import { inWords, mrkdwn } from '../../../src/slack/text.js'
import { jobIn, start } from '../../helpers/job.js'

function view(state: State, rest: Partial<Job> = {}, view: Partial<JobView> = {}): JobView {
  return {
    job: jobIn(state, rest),
    thread: { channel: 'C1', ts: '1.1' },
    title: 'Copy a container',
    provider: 'Hoody',
    steps: new Map([['copy', { title: 'Copy the container', doing: 'Copying the container' }]]),
    typicalMs: null,
    now: start,
    ...view,
  }
}

/** The direct messages of somebody. */
const movedTo = { channel: 'D1', ts: '2.2' }

const states: State[] = ['queued', 'starting', 'working', 'uncertain', 'succeeded', 'failed', 'timed_out', 'cancelled']
const kinds: EventKind[] = [
  'queued',
  'step_started',
  'step_accepted',
  'postponed',
  'answer_lost',
  'found',
  'absent',
  'uncertain',
  'progress',
  'unreachable',
  'reachable',
  'step_done',
  'succeeded',
  'failed',
  'timed_out',
  'checked_again',
  'started_over',
  'cancelled',
  'unsettled',
  'reminder',
  'stranded',
]

function event(kind: EventKind, detail: string | null = null, actor: string | null = null) {
  return { jobId: 'k7f3q', seq: 4, kind, at: start + 12_000, step: 'copy', detail, actor }
}

describe('the root message', () => {
  for (const state of states) {
    it(`says in a full sentence what is cloned, where, for whom and that it is ${state}`, () => {
      const { text, blocks } = rootMessage(view(state, { detail: 'disk full' }))
      expect(text).toContain(
        'Copy a container: shop-api → shop-copy in staging on hoody-prod (Hoody), asked for by <@U1>.',
      )
      expect(text).toMatch(/[.!?]$/)
      if (state !== 'cancelled') expect(text).toMatch(/disk full/i)
      expect(JSON.stringify(blocks)).toContain('k7f3q')
    })
  }

  it('shows the usual duration while it lasts and the real one after', () => {
    const factsAt = (now: number) =>
      JSON.stringify(rootMessage(view('working', {}, { typicalMs: 180_000, now })).blocks)
    expect(factsAt(start + 119_000)).toContain('usually done by')
    // Within the minute that is shown already.
    expect(factsAt(start + 121_000)).not.toContain('usually done by')
    expect(factsAt(start + 181_000)).not.toContain('usually done by')
    expect(JSON.stringify(rootMessage(view('succeeded', {}, { typicalMs: 60_000 })).blocks)).toContain('took 12 s')
  })

  it('names no usual end that comes before the next try, and none while a person is asked', () => {
    const factsOf = (state: State, rest: Partial<Job>) =>
      JSON.stringify(rootMessage(view(state, rest, { typicalMs: 120_000 })).blocks)
    const waiting = (waitMs: number) => ({ detail: 'Hoody is down.', dueAt: start + waitMs })
    expect(factsOf('queued', waiting(30_000))).toContain('usually done by')
    expect(factsOf('queued', waiting(60_000))).not.toContain('usually done by')
    expect(factsOf('queued', waiting(90_000))).toMatch(/Next try at(?!.*usually done by)/)
    expect(factsOf('uncertain', {})).not.toContain('usually done by')
    expect(factsOf('working', { dueAt: start + 90_000 })).toContain('usually done by')
  })

  it('says that a request is being sent, and once its answer is lost, that this is being looked into', () => {
    const shown = (rest: Partial<Job>) => JSON.stringify(rootMessage(view('starting', rest)).blocks)
    expect(shown({})).toMatch(/Sending the request to Hoody\.\*.*Copy the container – sending/)
    const lost = { waitingSince: start, detail: 'the connection broke' }
    expect(shown(lost)).toMatch(
      /Checking whether Hoody received the request:\* the connection broke\..*Copy the container – checking/,
    )
  })

  it("says that the provider can't be reached, once that has lasted for a while", () => {
    const shown = (unreachableSince: number | null) =>
      rootMessage(view('working', { unreachableSince, detail: 'hoody-prod answered 503.' })).text
    expect(shown(null)).toContain('Copying the container on Hoody: hoody-prod answered 503.')
    expect(shown(start - 29_999)).toContain('Copying the container on Hoody')
    expect(shown(start - 30_000)).toContain("Can't reach Hoody right now: hoody-prod answered 503.")
  })

  it('shows both ends, however long one is made, and no arrow but its own', () => {
    const long = `shop-api → shop-copy in staging (woolworks) ${'x'.repeat(400)}`
    const target = 'shop-web in production (woolworks)'
    const [header] = rootMessage(view('working', { source: long, target })).blocks
    const { text } = header?.type === 'header' ? header.text : { text: '' }
    expect(text).toMatch(/^Copy a container: shop-api › shop-copy .*… → shop-web in production \(woolworks\)$/)
    expect(text.length).toBeLessThanOrEqual(150)
    const other = rootMessage(view('working', { source: 'shop-api', target: 'y'.repeat(400) }))
    expect(JSON.stringify(other.blocks[0])).toMatch(/"Copy a container: shop-api → y{80,}…"/)
  })

  it('has the three buttons when nobody knows, and a link when there is one', () => {
    const actions = (message: ReturnType<typeof rootMessage>) => message.blocks.filter(({ type }) => type === 'actions')
    expect(JSON.stringify(actions(rootMessage(view('uncertain'))))).toMatch(/Check again.*Start over.*Dismiss/)
    expect(JSON.stringify(actions(rootMessage(view('working'))))).toMatch(/"text":"Cancel"/)
    expect(JSON.stringify(actions(rootMessage(view('succeeded', { url: 'https://a.example' }))))).toContain('a.example')
  })

  it('has a button for the thing itself and one for its page at the provider, and no addresses in its words', () => {
    const [url, consoleUrl] = ['https://shop.example/', 'https://console.example/long/way/to/it']
    const linksOf = (rest: Partial<Job>) => {
      const { text, blocks } = rootMessage(view('succeeded', rest))
      expect(text).not.toContain('https:')
      const buttons = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
      expect(new Set(buttons.map((one) => ('action_id' in one ? one.action_id : ''))).size).toBe(buttons.length)
      return buttons.map((one) => (one.type === 'button' ? [one.text.text, one.url] : []))
    }
    expect(linksOf({ url, consoleUrl })).toEqual([
      ['Open it', url],
      ['See it in Hoody', consoleUrl],
    ])
    expect(linksOf({ url })).toEqual([['Open it', url]])
    expect(linksOf({ url: 'nonsense', consoleUrl })).toEqual([['See it in Hoody', consoleUrl]])
    expect(linksOf({})).toEqual([])
  })

  it('can be called off while it waits for a provider that cannot be reached', () => {
    const buttonsOf = (rest: Partial<Job>) =>
      JSON.stringify(rootMessage(view('queued', { waitReason: 'postponed', detail: 'Hoody is down.', ...rest })).blocks)
    const untouched = { ref: null, attempt: 0 }
    expect(buttonsOf(untouched)).toMatch(/"text":"Cancel".*Nothing has been sent to the provider, and/)
    expect(buttonsOf({ ...untouched, ref: { id: 'a' } })).toMatch(/"text":"Cancel".*Anything already made stays/)
    expect(buttonsOf({ dueAt: start + 30_000 })).toMatch(/Hoody is down\. Next try at <!date/)
    expect(JSON.stringify(rootMessage(view('succeeded')).blocks)).not.toContain('Cancel')
  })

  it('asks once more before what may happen twice or ends the job, and says what comes of it', () => {
    const questionsOf = (state: State, rest: Partial<Job> = {}) => {
      const { blocks } = rootMessage(view(state, rest))
      const buttons = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
      return buttons.map((one) =>
        one.type === 'button' ? [one.text.text, one.confirm?.text.text, one.confirm?.confirm?.text] : [],
      )
    }
    const waiting = { waitReason: 'postponed', detail: 'Hoody is down.', ref: null, attempt: 0 } as const
    expect(questionsOf('uncertain')).toEqual([
      // It only reads.
      ['Check again', undefined, undefined],
      ['Start over', 'If the first request went through, this does it a second time.', 'Start over'],
      ['Dismiss', "I'll stop watching this job. Anything already made stays.", 'Dismiss'],
    ])
    expect(questionsOf('queued', waiting)).toEqual([
      ['Cancel', 'Nothing has been sent to the provider, and nothing will be.', 'Cancel the job'],
    ])
    expect(questionsOf('queued', { ...waiting, attempt: 1 })).toEqual([
      ['Cancel', "I won't send anything more. Anything already made stays.", 'Cancel the job'],
    ])
  })

  it('says that nobody can carry on with a job whose step is gone, and offers to end it', () => {
    const gone = {
      step: 'gone',
      strandedSince: start,
      canDismiss: true,
      detail: 'This version of Dolly has no step "gone".',
    }
    const { text, blocks } = rootMessage(view('working', gone))
    expect(text).toContain(`I can't continue this job: This version of Dolly has no step "gone".`)
    expect(JSON.stringify(blocks)).toContain('"text":"Cancel"')
    expect(JSON.stringify(blocks)).not.toContain('Copy the container –')
  })

  it('leaves out the steps of a connection that is gone', () => {
    const without = rootMessage(view('working', {}, { steps: new Map() })).blocks.map(({ type }) => type)
    expect(without).toEqual(['header', 'section', 'context', 'actions'])
  })

  it('shows every step with its own word', () => {
    const steps = new Map([
      ['clone', { title: 'Clone', doing: 'Cloning' }],
      ['deploy', { title: 'Deploy', doing: 'Deploying' }],
      ['route', { title: 'Route', doing: 'Routing' }],
    ])
    const text = JSON.stringify(rootMessage(view('working', { step: 'deploy' }, { steps })).blocks)
    expect(text).toMatch(/Clone – done.*Deploy – running.*Route – not started/)
  })

  it("says that it is the one to read where another may appear, also to people who can't see blocks", () => {
    const kept = 'An earlier message about this job may appear in this channel. This one is kept up to date.'
    const { text, blocks } = rootMessage(view('working', {}, { mayAppearTwice: true }))
    expect(text).toContain(kept)
    expect(JSON.stringify(blocks)).toContain(kept)
    expect(JSON.stringify(rootMessage(view('working')))).not.toContain('may appear')
  })

  it('explains why it is not where it was asked to be', () => {
    const text = JSON.stringify(rootMessage(view('working', { channel: 'C9' }, { thread: movedTo })).blocks)
    expect(text).toContain("couldn't post in <#C9>")
    expect(text).toContain('/invite @dolly')
  })
})

describe('the replies', () => {
  it('mention the requester on bad news only', () => {
    const mentions = kinds.filter((kind) => replyMessage(view('working'), event(kind))?.text.includes('<@U1>'))
    expect(mentions).toEqual(['uncertain', 'failed', 'timed_out', 'reminder', 'stranded'])
  })

  it('blames no step for a question that nobody answered', () => {
    const unanswered = event('timed_out', 'Nobody answered for two weeks.')
    expect(replyMessage(view('timed_out'), unanswered)?.text).toBe(
      '<@U1> Timed out after 12 s: Nobody answered for two weeks. It may still finish on Hoody.',
    )
  })

  it('give the reason in the provider’s words', () => {
    expect(replyMessage(view('failed'), event('failed', 'no space left on device'))?.text).toBe(
      '<@U1> Failed after 12 s: no space left on device.',
    )
  })

  it('mention the requester on success only if that was asked for', () => {
    expect(replyMessage(view('succeeded'), event('succeeded'))?.text).toBe('Done in 12 s.')
    expect(replyMessage(view('succeeded', { mentionOnSuccess: true }), event('succeeded'))?.text).toBe(
      '<@U1> Done in 12 s.',
    )
  })

  it('name the person who clicked', () => {
    expect(replyMessage(view('cancelled'), event('cancelled', null, 'U2'))?.text).toContain('<@U2> dismissed')
    const early = view('cancelled', { attempt: 0 })
    expect(replyMessage(early, event('cancelled', null, 'U2'))?.text).toContain(
      '<@U2> cancelled this job before anything',
    )
  })

  it('are silent about what only changes the root', () => {
    expect(kinds.filter((kind) => replyMessage(view('working'), event(kind)) === null)).toEqual([
      'queued',
      'step_started',
      'progress',
      'step_done',
    ])
    expect(replyMessage(view('working'), event('step_done', 'cloned as shop-2'))?.text).toContain(
      'is done: cloned as shop-2.',
    )
  })
})

describe('other people’s text', () => {
  it('cannot mention, link, command, turn direction or run on', () => {
    const hostile = `<!channel> <@U9> <https://evil.example|ok> & \u202Eevil\u0000\n${'x'.repeat(10_000)}`
    const { text, blocks } = rootMessage(view('failed', { source: hostile, target: hostile, detail: hostile }))
    const all = text + JSON.stringify(blocks.filter(({ type }) => type !== 'header'))
    expect(all).not.toMatch(/<!channel>|<@U9>|<https:/)
    expect(all).not.toMatch(/\p{Bidi_Control}|\p{Cc}/u)
    expect(text.length).toBeLessThanOrEqual(4_000)
    expect(all.match(/"type":"mrkdwn"/g)?.length).toBe(all.match(/"verbatim":true/g)?.length)
    expect(mrkdwn('a < b & c')).toBe('a &lt; b &amp; c')
  })
})

describe('names and details that are made to be long', () => {
  const length = 10_000
  const hostile = ['x', '&', '<', '🐑', 'x ', '_', ':', '<@U9> ', '&amp;'].map((part) =>
    part.repeat(length / part.length),
  )
  const short = 'short'

  /** Our own sentences: what the same message says beside what others wrote. */
  function sentencesOf(message: (text: string) => { text: string; blocks: unknown } | null): [string, string] {
    const shown = message(short)
    const words = (text: string) => text.split(/short\.?/)
    return [JSON.stringify(words(shown?.text ?? '')), JSON.stringify(words(textIn(shown?.blocks)))]
  }

  /** All that is shown of blocks but headers, which are no sentences, and buttons. */
  function textIn(blocks: unknown): string {
    const texts: string[] = []
    JSON.stringify(blocks, (_key, value) => {
      if (value?.type === 'header' || value?.type === 'actions') return undefined
      if (value?.type === 'mrkdwn') texts.push(value.text)
      return value
    })
    return texts.join('\n')
  }

  function expectWhole(message: (text: string) => { text: string; blocks: readonly unknown[] } | null): void {
    const [inText, inBlocks] = sentencesOf(message).map((all): string[] => JSON.parse(all))
    for (const text of hostile) {
      const shown = message(text)
      for (const sentence of inText ?? []) expect(shown?.text).toContain(sentence)
      for (const sentence of inBlocks ?? []) expect(textIn(shown?.blocks)).toContain(sentence)
      expect(shown?.text.length ?? 0).toBeLessThanOrEqual(4_000)
      for (const block of shown?.blocks ?? []) expect(textIn([block]).length).toBeLessThanOrEqual(3_000)
    }
  }

  const longStory = (state: State, text: string, rest: Partial<Job> = {}): JobView =>
    view(
      state,
      { source: text, target: text, connection: text, detail: text, dueAt: start, ...rest },
      {
        thread: movedTo,
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

  it.each(states)('push no sentence of ours off a root that is %s', (state) => {
    for (const rest of [{}, { attempt: 0, ref: null }, { unreachableSince: 1 }]) {
      expectWhole((text) => rootMessage(longStory(state, text, rest)))
      for (const goesOn of [true, false]) expectWhole((text) => oldRootMessage(longStory(state, text, rest), goesOn))
    }
  })

  const telling = kinds.filter((kind) => replyMessage(view('working'), event(kind, short)) !== null)

  it.each(telling)('push no sentence of ours off a reply that tells: %s', (kind) => {
    for (const state of states) expectWhole((text) => replyMessage(longStory(state, text), event(kind, text, 'U2')))
  })

  it('are cut so that what matters stands: what each answer does, and what is left behind', () => {
    const text = '&'.repeat(10_000)
    const question = rootMessage(longStory('uncertain', text))
    for (const shown of [question.text, textIn(question.blocks)]) {
      expect(shown).toContain(
        'Check again looks for it once more, Start over sends the request again, Dismiss ends this job.',
      )
    }
    expect(replyMessage(longStory('cancelled', text), event('cancelled', text, 'U2'))?.text).toMatch(
      / is still there\.$/,
    )
    expect(replyMessage(longStory('timed_out', text), event('timed_out', text))?.text).toMatch(
      /It may still finish on [^.]*\.$/,
    )
  })
})

describe('the root that a thread left behind', () => {
  it('says where the job goes on, and asks nobody anything', () => {
    for (const state of ['queued', 'starting', 'working', 'uncertain'] as const) {
      const { text, blocks } = oldRootMessage(view(state, { detail: 'copying' }), true)
      const rest = 'Updates continue in a direct message to <@U1>. This message will show how the job ends.'
      expect(text).toContain(rest)
      expect(JSON.stringify(blocks)).toContain(rest)
      expect(JSON.stringify(blocks)).not.toMatch(/"actions"|Copying the container on|running|Queued/)
    }
  })

  it('says how the job ended, and where the details are', () => {
    for (const state of ['succeeded', 'failed', 'timed_out', 'cancelled'] as const) {
      const root = rootMessage(view(state, { detail: 'disk full' }))
      const { text, blocks } = oldRootMessage(view(state, { detail: 'disk full' }, { thread: movedTo }), true)
      expect(text).toBe(`${root.text} The details are in a direct message to <@U1>.`)
      expect(JSON.stringify(blocks)).toContain(JSON.stringify(root.blocks[1]))
      expect(JSON.stringify(blocks)).not.toContain('/invite')
    }
  })
})

describe('durations', () => {
  it('read like a person’s', () => {
    expect([0, 12_000, 60_000, 125_000, 3_600_000, 3_780_000].map(inWords)).toEqual([
      '1 s',
      '12 s',
      '1 min',
      '2 min 5 s',
      '1 h',
      '1 h 3 min',
    ])
  })
})
