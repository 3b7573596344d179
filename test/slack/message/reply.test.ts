import { describe, expect, it } from 'vitest'
import type { EventKind, Job, JobEvent, State } from '../../../src/domain/job.js'
import { replyMessage } from '../../../src/slack/message/reply.js'
import { start } from '../../helpers/job.js'
import { choicesIn, viewIn } from '../../helpers/job-view.js'

const kinds: EventKind[] = [
  ...(['queued', 'step_started', 'step_accepted', 'postponed', 'answer_lost', 'found', 'absent', 'uncertain'] as const),
  ...(['progress', 'unreachable', 'reachable', 'step_done', 'succeeded', 'failed', 'timed_out'] as const),
  ...(['checked_again', 'started_over', 'tried_again', 'cancel_requested', 'cancelled'] as const),
  ...([
    'unsettled',
    'reminder',
    'stranded',
    'muted',
    'unmuted',
    'removal_started',
    'removal_ended',
    'removed',
  ] as const),
  ...(['approval_requested', 'approval_given', 'approved', 'denied', 'expired'] as const),
  ...(['expiry_near', 'expiry_reached', 'extended'] as const),
]

function replyTo(kind: EventKind, more: Partial<JobEvent> = {}, rest: Partial<Job> = {}, state: State = 'working') {
  const event = { jobId: 'k7f3q', seq: 4, kind, at: start + 12_000, step: 'copy', detail: null, actor: null, ...more }
  return replyMessage(viewIn(state, rest), event)
}
const textOf = (...args: Parameters<typeof replyTo>) => replyTo(...args)?.text ?? null

describe('the replies', () => {
  it('are only about what somebody must notice: the message above says the rest', () => {
    expect(kinds.filter((kind) => replyTo(kind, { actor: 'U2' }) !== null)).toEqual([
      ...['found', 'uncertain', 'unreachable', 'reachable', 'failed', 'timed_out'],
      ...['checked_again', 'started_over', 'tried_again', 'cancelled', 'unsettled', 'reminder', 'stranded'],
      ...['approval_given', 'approved', 'denied', 'expired', 'expiry_near', 'expiry_reached', 'extended'],
    ])
  })

  it('are none for a job that simply succeeds, unless its requester wants to be mentioned or there is a remark', () => {
    expect(textOf('succeeded', {}, {}, 'succeeded')).toBeNull()
    expect(textOf('succeeded', {}, { mentionOnSuccess: true }, 'succeeded')).toBe(
      '<@U1> shop-copy is running after 12 s.',
    )
    const remark = 'cloned, not deployed'
    expect(textOf('succeeded', { detail: remark }, { detail: remark }, 'succeeded')).toBe(
      'shop-copy is ready after 12 s: cloned, not deployed.',
    )
  })

  it('are none for a muted job, but the warnings before it is deleted and what waits for somebody', () => {
    const told = kinds.filter((kind) => replyTo(kind, { detail: 'disk full', actor: 'U2' }, { isMuted: true }))
    expect(told.sort()).toEqual(['expiry_near', 'expiry_reached', 'reminder', 'stranded', 'uncertain', 'unsettled'])
  })

  it('tell nobody what they did themselves', () => {
    const kindsByRequester = kinds.filter((kind) => replyTo(kind, { actor: 'U1' }) !== null)
    expect(kindsByRequester).not.toEqual(
      expect.arrayContaining(['checked_again', 'started_over', 'tried_again', 'cancelled', 'extended']),
    )
    expect(kindsByRequester).not.toContain('cancelled')
    expect(textOf('tried_again', { actor: 'U2' })).toBe('<@U2> asked me to try again.')
  })

  it('mention the requester when they have to know or to act', () => {
    expect(kinds.filter((kind) => textOf(kind, { actor: 'U2' })?.includes('<@U1>'))).toEqual([
      ...['uncertain', 'failed', 'timed_out', 'cancelled', 'unsettled', 'reminder', 'stranded'],
      ...['denied', 'expired', 'expiry_near', 'expiry_reached'],
    ])
  })

  it('mention nobody on a failure if its requester does not want that', () => {
    expect(textOf('failed', { detail: 'no space left' }, { mentionOnFailure: false }, 'failed')).toBe(
      "shop-copy failed after 12 s: no space left. The message above says what's left and what you can do.",
    )
    expect(textOf('timed_out', {}, { mentionOnFailure: false }, 'timed_out')).not.toContain('<@U1>')
  })

  it('give the reason in the provider’s words', () => {
    expect(textOf('failed', { detail: 'no space left on device' }, {}, 'failed')).toMatch(
      /^<@U1> shop-copy failed after 12 s: no space left on device\. /,
    )
  })

  it('blame no step for a question that nobody answered', () => {
    expect(textOf('timed_out', { detail: 'Nobody answered for two weeks.' }, {}, 'timed_out')).toBe(
      '<@U1> shop-copy timed out after 12 s: Nobody answered for two weeks. It may still finish on Hoody.',
    )
  })

  it('say who ended a job, and what is left', () => {
    expect(textOf('cancelled', { actor: 'U2' }, {}, 'cancelled')).toBe(
      '<@U1> shop-copy was ended by <@U2>. Anything Hoody already made is still there.',
    )
    expect(textOf('cancelled', { actor: 'U2' }, { attempt: 0 }, 'cancelled')).toBe(
      '<@U1> shop-copy was ended by <@U2>. Nothing was sent to Hoody.',
    )
  })

  it('carry what there is to say about a step that is done', () => {
    expect(textOf('step_done', { detail: 'cloned as shop-2' })).toBe('"Copy the container" is done: cloned as shop-2.')
    expect(textOf('found', { detail: 'cloned as shop-2' })).toBe(
      'Found it: Hoody had received "Copy the container". Nothing was sent twice. cloned as shop-2.',
    )
  })

  it('of an expiry say what happens then, and carry the buttons that change it', () => {
    const rest = { ref: { id: '1' }, expiresAt: start + 3_600_000 }
    const near = (detail: string) => replyTo('expiry_near', { detail }, rest, 'succeeded')
    expect(near('delete')?.text).toMatch(/^<@U1> shop-copy expires <!date[^>]*>\. Then I delete it with all its data\./)
    expect(near('ask')?.text).toContain("Then I ask whether it's still needed.")
    expect(choicesIn(near('delete')?.blocks ?? []).map(({ id }) => id)).toEqual(['job:extend', 'job:delete'])
    const reached = (detail: string) => replyTo('expiry_reached', { detail }, rest, 'succeeded')
    expect(reached('ask')?.text).toContain('Do you still need it?')
    expect(choicesIn(reached('ask')?.blocks ?? [])).toHaveLength(2)
    expect(reached('delete')?.text).toBe("<@U1> shop-copy has expired. I'm deleting it.")
    expect(choicesIn(reached('delete')?.blocks ?? [])).toEqual([])
  })

  it('of a removal speak of deleting', () => {
    expect(textOf('failed', { detail: 'It has a lock' }, { removes: 'aaaaa' }, 'failed')).toMatch(
      /^<@U1> Deleting shop-copy failed after 12 s: It has a lock\./,
    )
    expect(textOf('cancelled', { actor: 'U2' }, { removes: 'aaaaa' }, 'cancelled')).toContain(
      'Deleting shop-copy was ended by <@U2>.',
    )
  })
})
