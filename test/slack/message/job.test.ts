import { describe, expect, it } from 'vitest'
import { type Job, LIVE_STATES, type State } from '../../../src/domain/job.js'
import { type JobView, oldRootMessage, rootMessage } from '../../../src/slack/message/job.js'
import { inWords, mrkdwn } from '../../../src/slack/text.js'
import { start } from '../../helpers/job.js'
import { choicesIn, linesIn, viewIn } from '../../helpers/job-view.js'

/** The direct messages of somebody. */
const movedTo = { channel: 'D1', ts: '2.2' }

const states: State[] = [
  ...LIVE_STATES,
  ...(['succeeded', 'failed', 'timed_out', 'cancelled', 'denied', 'expired'] as const),
]

const linesOf = (...args: Parameters<typeof viewIn>) => linesIn(rootMessage(viewIn(...args)).blocks)
const textOf = (...args: Parameters<typeof viewIn>) => rootMessage(viewIn(...args)).text

describe('the root message', () => {
  for (const state of states) {
    it(`says in full sentences that the job is ${state}, then what is cloned, where and for whom`, () => {
      const { text, blocks } = rootMessage(viewIn(state, { detail: 'disk full' }))
      expect(text).toMatch(/^(shop-copy|I can't)/)
      expect(text).toContain(
        'Copy a container: shop-api → shop-copy in staging on hoody-prod (Hoody), requested by <@U1>.',
      )
      expect(text).toMatch(/[.!?]$/)
      const isReasonless = ['cancelled', 'denied', 'expired', 'awaiting_approval', 'starting'].includes(state)
      if (!isReasonless) expect(text).toMatch(/disk full/i)
      expect(JSON.stringify(blocks)).toContain('k7f3q')
    })
  }

  it('begins with one line on where the job stands, with the clone’s own name', () => {
    expect(linesOf('succeeded')[0]).toBe(':white_check_mark: *shop-copy is running*  ·  12 s')
    expect(linesOf('working')[0]).toMatch(
      /^:hourglass_flowing_sand: \*shop-copy: Copying the container on Hoody\* {2}·/,
    )
    expect(linesOf('failed')[0]).toBe(':x: *shop-copy failed*  ·  12 s')
  })

  it('says of a finished copy that it is ready where there is a remark, and of what was there before that it is up to date', () => {
    expect(linesOf('succeeded', { detail: 'finished, but the container is stopped' }).slice(0, 2)).toEqual([
      ':white_check_mark: *shop-copy is ready*  ·  12 s',
      'Hoody: finished, but the container is stopped.',
    ])
    expect(linesOf('succeeded', {}, { hasRemoval: false })[0]).toContain('*shop-copy is up to date*')
    expect(linesOf('succeeded', {}, { hasRemoval: undefined })[0]).toContain('*shop-copy is ready*')
  })

  it('tells only times that stay true until the next edit: since when it runs, and how long such jobs usually take', () => {
    expect(linesOf('working', {}, { typicalMs: 120_000 })[0]).toMatch(
      /since <!date\^\d+\^\{time\}\|[^>]*>, usually takes 2 min$/,
    )
    expect(linesOf('working')[0]).not.toContain('usually')
    expect(linesOf('uncertain', {}, { typicalMs: 120_000 })[0]).not.toContain('usually')
  })

  it('counts the time from when it was approved or tried again', () => {
    expect(linesOf('succeeded', { runSince: start + 5_000 })[0]).toContain('7 s')
  })

  it('says when a job that waits is tried again', () => {
    expect(linesOf('queued', { detail: 'Hoody is down.', dueAt: start + 90_000 }).slice(0, 2)).toEqual([
      expect.stringContaining('shop-copy is waiting for Hoody'),
      expect.stringMatching(/^Hoody is down\. Next try at <!date/),
    ])
  })

  it('says once a request’s answer was lost that this is being looked into', () => {
    expect(linesOf('starting', { waitingSince: start, detail: 'the connection broke' }).slice(0, 2)).toEqual([
      expect.stringContaining('shop-copy: checking what Hoody received'),
      "Hoody's answer was lost: the connection broke. I'm checking before I try again.",
    ])
  })

  it("says that the provider can't be reached, once that has lasted for a while", () => {
    const shown = (unreachableSince: number | null) =>
      textOf('working', { unreachableSince, detail: 'hoody-prod answered 503.' })
    expect(shown(null)).toContain('Copying the container on Hoody')
    expect(shown(start - 29_999)).toContain('Copying the container on Hoody')
    expect(shown(start - 30_000)).toContain("can't reach Hoody right now")
  })

  it('says of a failure once which step failed, why, what is left and what to do', () => {
    expect(linesOf('failed', { step: 'start', detail: 'The disk is full.', ref: { id: '1' } }).slice(0, 4)).toEqual([
      ':x: *shop-copy failed*  ·  12 s',
      '"Start the copy" (step 2 of 2) failed: The disk is full.',
      "What Hoody made so far stays until it's deleted.",
      'Try again continues from this step, with the same answers.',
    ])
    expect(textOf('failed', { detail: 'The disk is full.' }).match(/The disk is full/g)).toHaveLength(1)
  })

  it('says until when what a failed or cancelled job left is kept, and offers to extend it', () => {
    const left = { ref: { id: '1' }, detail: 'The disk is full.', expiresAt: start + 86_400_000 }
    for (const state of ['failed', 'timed_out', 'cancelled'] as const) {
      expect(linesOf(state, left)).toContainEqual(expect.stringMatching(/^What's left expires <!date/))
    }
    const { blocks } = rootMessage(viewIn('failed', left))
    expect(choicesIn(blocks).map(({ text }) => text)).toContain('Extend')
  })

  it('says that what a failed try made blocks another, and what each button does about it', () => {
    const half = { ref: { id: '1' }, deadlineAt: start, detail: 'The disk is full.' }
    expect(linesOf('failed', half, { mustDeleteFirst: true }).slice(1, 4)).toEqual([
      '"Copy the container" (step 1 of 2) failed: The disk is full.',
      "What Hoody made so far stays until it's deleted.",
      'What it made blocks another try. Delete and try again asks first, deletes it, and runs the job again from the start. Edit and retry leaves it there; choose another name.',
    ])
    const removal = { removes: 'aaaaa', retryFrom: 'copy', attempt: 0 }
    expect(linesOf('queued', removal)[0]).toContain('Deleting shop-copy before I try again')
  })

  it('says what a failed job left: nothing that was sent, nothing that was made, or part of it', () => {
    const left = (rest: Partial<Job>, hasRemoval = true) => linesOf('failed', rest, { hasRemoval })[2]
    expect(left({ attempt: 0 })).toBe('Nothing was sent to Hoody.')
    expect(left({ attempt: 1 })).toBe('As far as I know, nothing was made.')
    expect(left({ ref: { id: '1' } })).toBe("What Hoody made so far stays until it's deleted.")
    expect(left({ ref: { id: '1' } }, false)).toBe('Part of it may have changed.')
  })

  it('says of a cancelled job what the provider goes on with and what stays', () => {
    const left = (rest: Partial<Job>) => linesOf('cancelled', rest)[1]
    expect(left({ attempt: 0 })).toBe('Nothing was sent to Hoody.')
    expect(left({ ref: { id: '1' }, deadlineAt: start + 60_000 })).toBe(
      'I\'ve stopped watching. Hoody may still be working on "Copy the container", and what it makes stays.',
    )
    expect(left({ ref: { id: '1' }, attempt: 0, step: 'start' })).toBe(
      'I stopped before "Start the copy". What Hoody already did stays.',
    )
    expect(left({ attempt: 1 })).toBe('Anything Hoody already did stays.')
  })

  it('says while a job is being stopped who asked for it, and what still happens', () => {
    expect(linesOf('working', { cancelRequestedBy: 'U2' }).slice(0, 2)).toEqual([
      expect.stringContaining('*shop-copy: stopping after this step*'),
      '<@U2> asked me to stop. Hoody finishes "Copy the container" first, and I won\'t send anything after that. Anything made by then stays.',
    ])
    expect(linesOf('starting', { cancelRequestedBy: 'U2', step: 'start' })[1]).toContain('is the last step')
  })

  describe('that waits for an approval', () => {
    const approval = {
      by: ['U2', 'S3'],
      count: 1,
      expiresAt: start + 3_600_000,
      copied: 'The whole disk',
      notCopied: 'Snapshots',
      warning: 'This holds customer data',
    }
    const shown = (more: Partial<typeof approval> = {}) =>
      linesOf('awaiting_approval', { attempt: 0, approval: { ...approval, ...more } })

    it('names who can approve it and until when, and what is copied and what isn’t', () => {
      expect(shown().slice(0, 5)).toEqual([
        ':raised_hand: *shop-copy needs approval*',
        expect.stringMatching(
          /^<@U2> or <!subteam\^S3> can approve it\. The request expires <!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^>]*>\.$/,
        ),
        '⚠️ This holds customer data.',
        'Copied: The whole disk.',
        'Not copied: Snapshots.',
      ])
    })

    it('says how many different people it needs', () => {
      expect(shown({ count: 2 })[1]).toMatch(/^2 people must approve it: <@U2> or <!subteam\^S3>\. The request expires/)
    })

    it('tells the person who asked to send for them where nobody else reads it', () => {
      const lines = (channel: string) => {
        const { blocks, text } = rootMessage(
          viewIn('awaiting_approval', { approval }, { thread: { channel, ts: '1.0' } }),
        )
        return [linesIn(blocks).join('\n'), text]
      }
      for (const said of lines('D1')) expect(said).toContain('Nobody else reads this conversation')
      for (const said of lines('D1')) expect(said).toContain('`/clone-app approve ')
      for (const said of lines('C1')) expect(said).not.toContain('Nobody else')
    })

    it('says who has approved so far', () => {
      const job = { attempt: 0, approval: { ...approval, count: 2 } }
      const lines = (approvedBy: string[]) =>
        linesIn(rootMessage(viewIn('awaiting_approval', job, { approvedBy })).blocks)
      expect(lines(['U2'])[2]).toBe('1 of 2 approved: <@U2>.')
      expect(lines([]).join('\n')).not.toContain('approved:')
    })

    it('keeps who approved or denied it once it is answered', () => {
      const answered = (state: State, more: Partial<JobView>) => {
        const { blocks, text } = rootMessage(viewIn(state, { approval }, more))
        return [linesIn(blocks).join('\n'), text]
      }
      for (const said of answered('succeeded', { approvedBy: ['U2', 'U3'] }))
        expect(said).toMatch(/requested by <@U1>( {2}· {2}|, )approved by <@U2>, <@U3>/)
      for (const said of answered('denied', { deniedBy: 'U3' }))
        expect(said).toContain('<@U3> denied it. Nothing was sent to Hoody.')
    })

    it('says of a deletion only what is lost', () => {
      const lines = shown({ copied: '', notCopied: '', warning: 'This deletes shop-copy. Its disk goes with it.' })
      expect(lines).toContain('⚠️ This deletes shop-copy. Its disk goes with it.')
      expect(lines.join('\n')).not.toMatch(/opied:/)
    })

    it('names ten approvers, and how many more there are', () => {
      expect(shown({ by: Array.from({ length: 14 }, (_, at) => `U${at}`) })[1]).toMatch(
        /<@U9> or 4 more can approve it/,
      )
    })
  })

  it('says that what the job made was deleted or is being deleted, without a link to it', () => {
    const links = { url: 'https://shop.example/', consoleUrl: 'https://console.example/shop' }
    const gone = rootMessage(viewIn('succeeded', { ...links, removalJob: 'x', removedAt: start }))
    expect(linesIn(gone.blocks)[0]).toMatch(/^:wastebasket: \*shop-copy was deleted\* {2}· {2}<!date/)
    expect(JSON.stringify(gone)).not.toContain('.example')
    expect(linesOf('failed', { removalJob: 'x' })[0]).toBe(':wastebasket: *shop-copy is being deleted*')
  })

  it('says when the clone expires, and whether it is deleted then', () => {
    const tomorrow = { expiresAt: start + 86_400_000 }
    expect(linesOf('succeeded', tomorrow)[1]).toMatch(
      /^Expires <!date\^1795338780\^\{date_short_pretty\} at \{time\}[^>]*>\. Then I ask whether it's still needed\.$/,
    )
    expect(linesOf('succeeded', tomorrow, { isDeletedAtEnd: true })[1]).toMatch(/Then I delete it with all its data\.$/)
    expect(linesOf('succeeded', { expiresAt: start })[1]).toMatch(/^Expired <!date/)
  })

  it('has the clone’s own address as a readable link, and its page at the provider as a button beside the headline', () => {
    const [url, consoleUrl] = ['https://shop.example/', 'https://console.example/long/way/to/it']
    const linksOf = (rest: Partial<Job>) => {
      const { text, blocks } = rootMessage(viewIn('succeeded', rest))
      expect(text).not.toContain('https:')
      const links = linesIn(blocks).filter((line) => line.startsWith('<https'))
      return [...links, ...choicesIn(blocks).flatMap((one) => (one.url ? [`${one.text}: ${one.url}`] : []))]
    }
    expect(linksOf({ url, consoleUrl })).toEqual([
      '<https://shop.example/|shop.example>',
      `See it in Hoody: ${consoleUrl}`,
    ])
    expect(linksOf({ url: 'https://shop.example/a|b?c=d&e=f' })).toEqual([
      '<https://shop.example/a%7Cb?c=d&amp;e=f|shop.example/a¦b?c=d&amp;e=f>',
    ])
    expect(linksOf({ url: 'nonsense', consoleUrl })).toEqual([`See it in Hoody: ${consoleUrl}`])
    expect(linksOf({ url: 'https://name:secret@shop.example/' })).toEqual([])
    expect(textOf('succeeded', { url })).toContain('Its address is shop.example.')
  })

  it('shows both ends, however long one is made, and no arrow but its own', () => {
    const long = `shop-api → shop-copy in staging (woolworks) ${'x'.repeat(900)}`
    const target = 'shop-web in production (woolworks)'
    expect(textOf('working', { source: long, target })).toMatch(
      /Copy a container: shop-api › shop-copy .*… → shop-web in production \(woolworks\) on/,
    )
    expect(textOf('working', { source: 'shop-api', target: 'y'.repeat(400) })).toMatch(
      /Copy a container: shop-api → y{400} on/,
    )
  })

  it('says that nobody can carry on with a job whose step is gone, and offers to end it', () => {
    const detail = 'This version of Dolly has no step "gone".'
    const { text, blocks } = rootMessage(
      viewIn('working', { step: 'gone', strandedSince: start, canDismiss: true, detail }),
    )
    expect(text).toContain(`I can't continue shop-copy. ${detail}`)
    expect(choicesIn(blocks).map((one) => one.text)).toContain('Stop watching')
    expect(JSON.stringify(blocks)).not.toContain('Copy the container')
  })

  it("says that it is the one to read where another may appear, also to people who can't see blocks", () => {
    const kept = 'An earlier message about this job may appear in this channel. This one is kept up to date.'
    const { text, blocks } = rootMessage(viewIn('working', {}, { mayAppearTwice: true }))
    expect(text).toContain(kept)
    expect(JSON.stringify(blocks)).toContain(kept)
    expect(JSON.stringify(rootMessage(viewIn('working')))).not.toContain('may appear')
  })

  it('explains why it is not where it was asked to be', () => {
    const text = JSON.stringify(rootMessage(viewIn('working', { channel: 'C9' }, { thread: movedTo })).blocks)
    expect(text).toContain("couldn't post in <#C9>")
    expect(text).toContain('/invite @dolly')
  })

  it('says that its thread is muted for as long as that matters', () => {
    expect(linesOf('working', { isMuted: true }).at(-1)).toMatch(/job `k7f3q` {2}· {2}muted$/)
    expect(linesOf('failed', { isMuted: true }).at(-1)).not.toContain('muted')
  })
})

describe('the root message of a removal', () => {
  const steps = new Map([['remove', { title: 'Delete the container', doing: 'Deleting the container' }]])
  const shown = (state: State, rest: Partial<Job> = {}) =>
    linesOf(state, { removes: 'aaaaa', step: 'remove', ref: { id: '1' }, ...rest }, { steps })

  it('says that something is being deleted, and that it is gone', () => {
    for (const state of ['queued', 'starting', 'working'] as const)
      expect(shown(state)[0]).toMatch(/\*Deleting shop-copy\*/)
    expect(shown('succeeded')[0]).toBe(':wastebasket: *shop-copy is deleted*  ·  12 s')
    expect(shown('succeeded').at(-1)).toMatch(/^Delete shop-copy in staging {2}·/)
  })

  it('says what is left when it failed or was cancelled', () => {
    expect(shown('failed', { detail: 'It has a lock.' }).slice(0, 3)).toEqual([
      ":x: *shop-copy wasn't deleted*  ·  12 s",
      '"Delete the container" failed: It has a lock.',
      'Anything not deleted yet is still there.',
    ])
    expect(shown('cancelled', { attempt: 0 }).slice(0, 2)).toEqual([
      ':no_entry_sign: *shop-copy: deleting was cancelled*',
      'Nothing was sent to Hoody.',
    ])
  })
})

describe('other people’s text', () => {
  it('cannot mention, link, command, turn direction or run on', () => {
    const hostile = `<!channel> <@U9> <https://evil.example|ok> & \u202Eevil\u0000\n${'x'.repeat(10_000)}`
    const { text, blocks } = rootMessage(viewIn('failed', { source: hostile, target: hostile, detail: hostile }))
    const all = text + JSON.stringify(blocks)
    expect(all).not.toMatch(/<!channel>|<@U9>|<https:/)
    expect(all).not.toMatch(/\p{Bidi_Control}|\p{Cc}/u)
    expect(text.length).toBeLessThanOrEqual(4_000)
    expect(all.match(/"type":"mrkdwn"/g)?.length).toBe(all.match(/"verbatim":true/g)?.length)
    expect(mrkdwn('a < b & c')).toBe('a &lt; b &amp; c')
  })
})

describe('the root that a thread left behind', () => {
  it('says where the job goes on, and asks nobody anything', () => {
    for (const state of LIVE_STATES) {
      const { text, blocks } = oldRootMessage(viewIn(state, { detail: 'copying' }), true)
      const rest = 'Updates continue in a direct message to <@U1>. This message will show how the job ends.'
      expect(text).toContain(rest)
      expect(JSON.stringify(blocks)).toContain(rest)
      expect(JSON.stringify(blocks)).not.toMatch(/"actions"|Copying the container on|running|queued/)
    }
  })

  it('says how the job ended, and where the details and the buttons are', () => {
    for (const state of ['succeeded', 'failed', 'timed_out', 'cancelled'] as const) {
      const root = rootMessage(viewIn(state, { detail: 'disk full' }))
      const { text, blocks } = oldRootMessage(viewIn(state, { detail: 'disk full' }, { thread: movedTo }), true)
      expect(text).toBe(`${root.text} The details are in a direct message to <@U1>.`)
      expect(blocks[0]).toEqual(root.blocks[0])
      expect(JSON.stringify(blocks)).not.toMatch(/\/invite|"actions"/)
    }
  })

  it('has the buttons where it is the only message', () => {
    expect(choicesIn(oldRootMessage(viewIn('failed'), false).blocks).map(({ text }) => text)).toContain('Try again')
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
