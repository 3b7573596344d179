import { describe, expect, it } from 'vitest'
import { ACTS, FINAL_STATES, type Job, LIVE_STATES, type State } from '../../../src/domain/job.js'
import { buttonsOf } from '../../../src/slack/message/buttons.js'
import { type JobView, rootMessage } from '../../../src/slack/message/job.js'
import { buttonsBelow, menuOf } from '../../../src/slack/message/menu.js'
import { start } from '../../helpers/job.js'
import { choicesIn, viewIn } from '../../helpers/job-view.js'

function choicesOf(state: State, rest: Partial<Job> = {}, more: Partial<JobView> = {}) {
  return choicesIn(rootMessage(viewIn(state, rest, more)).blocks)
}
/** Words of buttons, then of the menu in brackets. */
function wordsOf(...args: Parameters<typeof choicesOf>) {
  return choicesOf(...args).map(({ id, text }) => (id.startsWith('job:') ? text : `(${text})`))
}
const made = { ref: { id: '1' } }

describe('the buttons of a root message', () => {
  it('steer a job that runs', () => {
    expect(wordsOf('queued', { attempt: 0 })).toEqual(['Cancel', '(Mute this thread)'])
    expect(wordsOf('starting')).toEqual(['Cancel', '(Mute this thread)'])
    expect(wordsOf('starting', { canDismiss: true })).toEqual(['Cancel', 'Stop watching', '(Mute this thread)'])
    expect(wordsOf('working')).toEqual(['Cancel', 'Stop watching', '(Mute this thread)'])
    expect(wordsOf('working', { isMuted: true }).at(-1)).toBe('(Unmute this thread)')
  })

  it('offer no Cancel once the last request is with the provider, or somebody has cancelled', () => {
    expect(wordsOf('working', { step: 'start' })).toEqual(['Stop watching', '(Mute this thread)'])
    expect(wordsOf('working', { cancelRequestedBy: 'U2' })).toEqual(['Stop watching', '(Mute this thread)'])
    expect(wordsOf('starting', { cancelRequestedBy: 'U2' })).toEqual(['(Mute this thread)'])
  })

  it('end a job that can’t continue', () => {
    expect(wordsOf('working', { strandedSince: start, canDismiss: true })).toContain('Stop watching')
    expect(wordsOf('working', { strandedSince: start, canDismiss: true })).not.toContain('Cancel')
    expect(wordsOf('queued', { strandedSince: start, canDismiss: true })).toContain('Cancel')
  })

  it('answer an unknown outcome', () => {
    expect(wordsOf('uncertain')).toEqual(['Check again', 'Start over', 'Dismiss', '(Mute this thread)'])
  })

  it('let people approve or deny, and the requester withdraw', () => {
    expect(wordsOf('awaiting_approval', { attempt: 0 })).toEqual(['Approve', 'Deny', 'Withdraw'])
    expect(choicesOf('awaiting_approval')[0]).toMatchObject({ id: 'job:approve', style: 'primary' })
    for (const state of ['denied', 'expired'] as const) expect(wordsOf(state)).toEqual(['Edit and ask again'])
  })

  it('do what a failure needs', () => {
    expect(wordsOf('failed')).toEqual(['Try again', 'Edit and retry'])
    expect(wordsOf('failed', { ...made, deadlineAt: start })).toEqual([
      'Try again',
      'Edit and retry',
      'Delete…',
      '(Check again)',
    ])
    expect(wordsOf('failed', made, { hasRemoval: false })).toEqual(['Try again', 'Edit and retry'])
    expect(wordsOf('timed_out', { ...made, removalJob: 'x' })).toEqual(['Edit and retry'])
  })

  it('delete first what would be in the way of another try', () => {
    const half = { ...made, deadlineAt: start }
    const choices = choicesOf('failed', half, { mustDeleteFirst: true })
    expect(choices.map(({ text }) => text)).toEqual([
      'Delete and try again…',
      'Edit and retry',
      'Delete…',
      'Check again',
    ])
    // The page behind it asks.
    expect(choices[0]).toMatchObject({ id: 'job:try_again', style: 'primary', asks: undefined })
  })

  it('ask for the answers again where the personal ones are deleted', () => {
    expect(choicesOf('failed', { isPersonalGone: true })).toEqual([
      expect.objectContaining({ id: 'job:edit', text: 'Edit and retry', style: 'primary' }),
    ])
  })

  it('go on from a finished clone', () => {
    expect(wordsOf('succeeded', made)).toEqual([
      'Repeat on a schedule…',
      'Delete…',
      '(Clone again…)',
      '(Save as preset…)',
    ])
    expect(wordsOf('succeeded', { ...made, expiresAt: start, consoleUrl: 'https://console.example' })).toEqual([
      'See it in Hoody',
      'Extend',
      'Repeat on a schedule…',
      'Delete…',
      '(Clone again…)',
      '(Save as preset…)',
    ])
    expect(wordsOf('succeeded', made, { hasRemoval: false })).toEqual([
      'Run nightly…',
      '(Run again…)',
      '(Save as preset…)',
    ])
  })

  it('are all in the menu of a list too, which has room for five', () => {
    const texts = (...args: Parameters<typeof viewIn>) => menuOf(viewIn(...args))?.options.map(({ text }) => text.text)
    const rest = ['Repeat on a schedule…', 'Delete…', 'Clone again…', 'Save as preset…']
    expect(texts('succeeded', { ...made, expiresAt: start })).toEqual(['Extend', ...rest])
    const update = ['Run nightly…', 'Run again…', 'Save as preset…']
    expect(texts('succeeded', made, { hasRemoval: false })).toEqual(update)
  })

  it('of a list are those of the thread where one asks first, and ask with the name', () => {
    for (const state of ['awaiting_approval', 'uncertain', 'queued', 'working'] as const) {
      const view = viewIn(state)
      const [below, root] = [choicesIn(buttonsBelow(view)), choicesIn(buttonsOf(view))]
      const named = (asks?: string) => (asks === undefined ? undefined : `shop-copy, job ${view.job.id}: ${asks}`)
      expect(below).toEqual(root.map((one) => ({ ...one, ...('asks' in one && { asks: named(one.asks) }) })))
      expect(menuOf(view)).toBeNull()
    }
    for (const state of ['failed', 'cancelled', 'succeeded'] as const) {
      expect(buttonsBelow(viewIn(state, made))).toEqual([])
      expect(menuOf(viewIn(state, made))).not.toHaveProperty('confirm')
    }
  })

  it('leave alone what is deleted or being deleted', () => {
    expect(wordsOf('succeeded', { ...made, removalJob: 'x' })).toEqual([])
    expect(wordsOf('succeeded', { ...made, removalJob: 'x', removedAt: start })).toEqual([
      'Clone again',
      '(Save as preset…)',
    ])
    expect(wordsOf('cancelled', made)).toEqual(['Clone again', 'Delete…'])
  })

  it('of a removal only end it or try it again', () => {
    const removal = { ...made, removes: 'aaaaa', attempt: 0 }
    expect(wordsOf('queued', removal)).toEqual(['Cancel', '(Mute this thread)'])
    expect(wordsOf('failed', removal)).toEqual(['Try again…'])
    for (const state of ['succeeded', 'cancelled'] as const) expect(wordsOf(state, removal)).toEqual([])
  })

  it('repeat nothing that no longer exists', () => {
    expect(wordsOf('succeeded', made, { steps: new Map(), hasRemoval: undefined })).toEqual([])
  })

  it('ask once more before what can’t be undone, and say what comes of it', () => {
    const asked = (...args: Parameters<typeof choicesOf>) =>
      choicesOf(...args).flatMap(({ text, asks }) => (asks === undefined ? [] : [[text, asks]]))
    const stays = "I'll stop watching this job. Anything already made stays."
    expect(asked('uncertain')).toEqual([
      ['Start over', 'If the first request went through, this does it a second time.'],
      ['Dismiss', stays],
    ])
    expect(asked('queued', { attempt: 0 })).toEqual([
      ['Cancel', 'Nothing has been sent to the provider, and nothing will be.'],
    ])
    expect(asked('working')).toEqual([
      ['Cancel', "I won't send anything more. Anything already made stays."],
      ['Stop watching', stays],
    ])
    expect(asked('awaiting_approval', { attempt: 0 })).toEqual([
      ['Approve', 'Starts now: shop-api → shop-copy in staging on hoody-prod.'],
      ['Deny', 'The request ends, and nothing is sent to the provider.'],
      ['Withdraw', 'Nothing has been sent to the provider, and nothing will be.'],
    ])
  })

  it('ask before an approval with what is copied, and whether it starts now', () => {
    const approval = {
      by: ['U2'],
      count: 2,
      expiresAt: start,
      copied: 'disk and secrets.',
      notCopied: '',
      warning: null,
    }
    const approve = (rest: Partial<Job>, approvedBy: string[] = []) =>
      choicesOf('awaiting_approval', { approval, ...rest }, { approvedBy })[0]?.asks
    expect(approve({})).toBe(
      'Starts once everyone has approved: shop-api → shop-copy in staging on hoody-prod. Copied: disk and secrets.',
    )
    expect(approve({}, ['U2'])).toMatch(/^Starts now: shop-api → shop-copy/)
    const deletion = { removes: 'aaaaa', approval: { ...approval, count: 1, copied: '' } }
    expect(approve(deletion)).toBe('Deletes now: shop-copy in staging on hoody-prod.')
    const long = {
      source: 'x'.repeat(500),
      target: 'y'.repeat(500),
      approval: { ...approval, copied: 'z'.repeat(500) },
    }
    expect(approve(long)).toMatch(/x… → y+… on hoody-prod\. Copied: z+…$/)
  })

  it('are at most three and a menu, with ids that differ, and carry the job’s id', () => {
    const rests: Partial<Job>[] = [
      {},
      made,
      { ...made, deadlineAt: start },
      { isMuted: true },
      { expiresAt: start, ...made },
    ]
    for (const state of [...LIVE_STATES, ...FINAL_STATES]) {
      for (const rest of rests) {
        const { blocks } = rootMessage(viewIn(state, rest))
        const elements = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []))
        expect(elements.filter(({ type }) => type === 'button').length).toBeLessThanOrEqual(3)
        const ids = choicesIn(blocks).map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        for (const element of elements) {
          // Extend also says which end it was shown with.
          const hint = (word = '') => `k7f3q${word.endsWith('extend') ? ` ${start}` : ''}`
          if (element.type === 'button') expect(element.value).toBe(hint(element.action_id))
          if (element.type === 'overflow')
            for (const { value = '' } of element.options) {
              const [word = '', ...rest] = value.split(' ')
              expect(rest.join(' ')).toBe(hint(word))
            }
        }
      }
    }
  })

  it('know each act of a person by its own word', () => {
    const rests: Partial<Job>[] = [{}, { ...made, deadlineAt: start }, { isMuted: true }]
    const words = [...LIVE_STATES, ...FINAL_STATES].flatMap((state) =>
      rests.flatMap((rest) => choicesOf(state, rest).map(({ id }) => id.replace(/^job:/, '').split(' ')[0])),
    )
    for (const act of ACTS) expect(words).toContain(act)
  })
})
