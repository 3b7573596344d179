/** What the torture run counts as an offence when jobs are cancelled, tried again, deleted, approved and run by the clock. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../sandbox/slack/protocol.js'
import { judge } from '../../sandbox/torture/judge.js'
import { runProblems } from '../../sandbox/torture/judge-steering.js'
import type { Exchange } from '../../sandbox/torture/proxy.js'
import { createRandom } from '../../sandbox/torture/random.js'
import type { Submission } from '../../sandbox/torture/requester.js'
import { approved, scenarios } from '../../sandbox/torture/scenarios.js'
import { planSteering, type Steering, type SteeringAct } from '../../sandbox/torture/steering.js'

const input = approved.input(0)
const { target } = input
const row = [target, 'staging', '', 'DEPLOYED']

const exchange = (at: number, method: string, path: string, answer: unknown = {}): Exchange => {
  return { at, method, path, body: { name: target }, status: 200, answer, mishap: undefined }
}
const clone = (at: number, id = 'made') => exchange(at, 'POST', '/application/source/clone', { id })
const deploy = (at: number, id = 'made') => exchange(at, 'POST', `/application/${id}/deploy`)
const deletion = (at: number, id = 'made') => exchange(at, 'DELETE', `/application/${id}`)

function submissionOf(act: SteeringAct, more: Partial<Steering> = {}): Submission {
  return {
    ...{ number: 0, scenario: approved, input, who: 'U1', channel: 'C1', progress: 'over', sentAt: 1_000 },
    ...{ isOnLastPage: true, isAcknowledged: true },
    steering: { ...planSteering(createRandom(1), act), ...more },
  }
}

function rootOf(headline: string): Message {
  const what = `Clone a service: shop-api → ${target} on qovery (Qovery), requested by <@U1>.`
  return {
    ...{ channel: 'C1', ts: '1.1', replyCount: 0, user: 'B', isBot: true, isEphemeral: false, isEdited: false },
    ...{ blocks: ['job `k7f3q`'], text: `${headline} ${what}` },
  }
}

function problemsOf(
  submission: Submission,
  headline: string,
  exchanges: Exchange[],
  { rows = [row], retries = 0, slack = [] as Exchange[] } = {},
): string[] {
  const { offences } = judge({
    ...{ submissions: [submission], messages: [rootOf(headline)], exchanges: { qovery: exchanges, slack } },
    ...{ tables: { qovery: rows }, atStart: { qovery: [['shop-api', 'production']] } },
    retries: new Map([['k7f3q', retries]]),
  })
  return offences.map(({ count, sentence }) => `${count}: ${sentence}`)
}

const running = `${target} is running (3 s).`
const deleted = `${target} was deleted.`
const kept = [['shop-api', 'production', '', 'DEPLOYED']]
const withRow = { rows: [row, ...kept] }
const withoutRow = { rows: kept }

describe('a job that was tried again', () => {
  const again = submissionOf('try again', { tries: [3_000] })

  it('may repeat the write of the step that failed', () => {
    expect(
      problemsOf(again, running, [clone(1_500), deploy(2_000), deploy(4_000)], { ...withRow, retries: 1 }),
    ).toEqual([])
  })

  it('is reported when it repeats more than that, or writes twice within one try', () => {
    const all = [clone(1_500), deploy(2_000), clone(3_500), deploy(4_000)]
    expect(problemsOf(again, running, all, { ...withRow, retries: 1 })).toEqual([
      'duplicate writes: clone, deploy again, although it was tried again only 1 times.',
    ])
    const within = [clone(1_500), deploy(4_000), deploy(4_500)]
    expect(problemsOf(again, running, within, { ...withRow, retries: 1 })).toEqual([
      'duplicate writes: deploy: 2 times within one try.',
    ])
  })

  it('is reported for the same writes when nobody’s click arrived', () => {
    expect(problemsOf(again, running, [clone(1_500), deploy(2_000), deploy(4_000)], withRow)).toEqual([
      'duplicate writes: deploy: 2 times.',
    ])
  })
})

describe('a job that needs two approvals', () => {
  const by = (...people: string[]) =>
    submissionOf('approve', { approvals: people.map((person, at) => ({ person, at: 1_200 + at })) })
  const made = [clone(2_000), deploy(2_500)]

  it('is fine when two others had approved before its first write', () => {
    expect(problemsOf(by('U2', 'U2', 'U3'), running, made, withRow)).toEqual([])
  })

  it('is reported when one person’s clicks or the requester’s own counted', () => {
    for (const people of [
      ['U2', 'U2'],
      ['U2', 'U1'],
    ])
      expect(problemsOf(by(...people), running, made, withRow)).toEqual([
        'approvals: It began when 1 people had approved.',
      ])
  })

  it('is reported when something was written although it was denied', () => {
    expect(problemsOf(by('U2', 'U3'), `${target} was denied.`, made, withRow)).toEqual([
      'approvals: It was denied, and something was written.',
    ])
  })
})

describe('a deletion', () => {
  const asked = submissionOf('delete', { tries: [4_000], endThen: 'done', rowsThen: [row] })
  const made = [clone(2_000), deploy(2_500)]

  it('is fine when it was asked for and came once', () => {
    expect(problemsOf(asked, deleted, [...made, deletion(5_000)], withoutRow)).toEqual([])
  })

  it('is reported when it came twice', () => {
    expect(problemsOf(asked, deleted, [...made, deletion(5_000), deletion(6_000)], withoutRow)).toEqual([
      'second deletions: DELETE /application/made 2 times.',
    ])
  })

  it('is fine when its id is that of another thing which was deleted before', () => {
    const earlier = [{ ...clone(100), body: { name: target } }, deletion(200)]
    expect(problemsOf(asked, deleted, [...earlier, ...made, deletion(5_000)], withoutRow)).not.toContainEqual(
      expect.stringContaining('second deletions'),
    )
  })

  it('is fine for what a write left behind that broke in the middle, and only once', () => {
    const half = { ...clone(2_000), status: 500, answer: {} }
    const retried = submissionOf('try again', { tries: [4_000] })
    const problems = (...ids: string[]) =>
      problemsOf(retried, running, [half, ...ids.map((id, at) => deletion(5_000 + at, id)), ...made], withRow)
    expect(problems('half').filter((problem) => problem.startsWith('unasked'))).toEqual([])
    expect(problems('half', 'other')).toContain('unasked deletions: DELETE /application/other, which no job made.')
  })

  it('is reported when the thing is still there', () => {
    expect(problemsOf(asked, deleted, [...made, deletion(5_000)], withRow)).toEqual([
      'wrong results: The thread says that it was deleted, but it is live.',
    ])
  })

  it('is reported for what no job made, for what nobody asked to delete, and for what was there before', () => {
    expect(problemsOf(asked, running, [...made, deletion(5_000, 'other')], withRow)).toEqual([
      'unasked deletions: DELETE /application/other, which no job made.',
    ])
    const kept = submissionOf('cancel')
    expect(problemsOf(kept, running, [...made, deletion(5_000)], withRow)).toEqual([
      'unasked deletions: DELETE /application/made, which nobody asked for.',
    ])
    expect(problemsOf(kept, running, made)).toEqual(['unasked deletions: qovery has no shop-api any more.'])
  })
})

describe('a job that was cancelled', () => {
  const cancelled = `${target} was cancelled.`
  const shown = { ...exchange(3_000, 'POST', '/api/chat.update'), body: `text=${encodeURIComponent(cancelled)}` }

  it('is reported when something is written after Slack showed that', () => {
    const slack = [shown]
    expect(problemsOf(submissionOf('cancel'), cancelled, [clone(2_000)], { ...withRow, slack })).toEqual([])
    expect(problemsOf(submissionOf('cancel'), cancelled, [clone(2_000), deploy(4_000)], { ...withRow, slack })).toEqual(
      ['wrong results: It was cancelled, and then came: deploy.'],
    )
  })
})

describe('the due times of a schedule', () => {
  const sync = scenarios.find(({ operation }) => operation === 'sync') ?? scenarios[1]
  const id = '5'.repeat(24)
  const submission: Submission = {
    ...submissionOf('schedule', { tries: [1_000] }),
    scenario: sync,
    input: sync.input(0),
    id,
  }
  const job = { id: 'k7f3q', state: 'succeeded', step: 'sync' }
  const synced = (at: number) => exchange(at, 'POST', `/api/v1/containers/${id}/sync`)
  const problems = (jobs: number, writes: number) =>
    runProblems([{ submission, due: 0, jobs: Array.from({ length: jobs }, () => job) }], {
      hoody: Array.from({ length: writes }, (_, at) => synced(2_000 + at)),
    }).map(({ sentence }) => sentence)

  it('are fine with one job and one write each', () => {
    expect(problems(1, 1)).toEqual([])
  })

  it('are reported when one never came, came twice, or wrote twice', () => {
    expect(problems(0, 0)).toEqual(['The run of 1970-01-01T00:00:00.000Z never came.'])
    expect(problems(2, 2)).toEqual(['The run of 1970-01-01T00:00:00.000Z came 2 times.'])
    expect(problems(1, 2)).toEqual(['1 runs wrote 2 times.'])
    expect(problems(1, 0)).toEqual(['1 runs succeeded, and 0 wrote.'])
  })
})
