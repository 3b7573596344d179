import { expect, it } from 'vitest'
import { Home, MessageBlocks } from '../../../sandbox/slack/block-kit.js'
import { FINAL_STATES, type Job, LIVE_STATES } from '../../../src/domain/job.js'
import { type HomeModel, homeView, MAX_SHOWN } from '../../../src/slack/message/home.js'
import { rootMessage } from '../../../src/slack/message/job.js'
import { ago, listMessage, statusMessage } from '../../../src/slack/message/list.js'
import { jobIn, start } from '../../helpers/job.js'

const states = [...LIVE_STATES, ...FINAL_STATES]
const long = '&'.repeat(4_000)
const description = { title: 'Copy a container', provider: 'Hoody', steps: new Map(), typicalMs: null, now: start }
const listed = Array.from({ length: MAX_SHOWN }, (_, at) => ({
  ...description,
  job: jobIn(states[at % states.length] ?? 'queued', { target: long, source: long }),
  link: `https://woolworks.slack.com/archives/C1/p${at}`,
}))
const full = { jobs: listed, more: 1_000 }
const model: HomeModel = {
  help: Array.from({ length: 8 }, () => 'x'.repeat(200)),
  closed: null,
  needsYou: full,
  running: full,
  recent: full,
  expiring: full,
  presets: Array.from({ length: 50 }, (_, at) => ({ id: `p${at}`, name: long, what: long })),
  schedules: Array.from({ length: 50 }, () => 'every night at 2:00'),
  now: start,
}

it('a Home tab that is as full as it gets is one that Slack takes', () => {
  const view = Home.parse(homeView(model))
  expect(view.blocks.length).toBeLessThanOrEqual(100)
  expect(JSON.stringify(view).length).toBeLessThan(250_000)
  expect(JSON.stringify(view)).toContain('…and 1000 more')
  expect(JSON.stringify(view)).toContain('…and 40 more')
})

it.each(states)('a line of a list says as its root does that a job is %s', (state) => {
  const jobs = [{ ...description, job: jobIn(state), link: null }]
  const view = { filter: { which: 'mine' }, page: 0, pages: 1, jobs, isCut: false, now: start + 60_000 } as const
  const { text, blocks } = listMessage(view)
  MessageBlocks.parse(blocks)
  const root = rootMessage({ ...description, job: jobIn(state), thread: { channel: 'C1', ts: null } })
  const [headline = ''] = /^[^.(]*[^.( ]/.exec(root.text) ?? []
  expect(text).toBe(`Your jobs: ${headline} (job k7f3q).`)
  expect(JSON.stringify(blocks)).toMatch(new RegExp(`:[a-z_]+: \\*${headline}\\*`))
})

it('a line of a list says that a job is about to stop', () => {
  const jobs = [{ ...description, job: jobIn('working', { cancelRequestedBy: 'U2' }), link: null }]
  const view = { filter: { which: 'mine' }, page: 0, pages: 1, jobs, isCut: false, now: start } as const
  expect(listMessage(view).text).toBe('Your jobs: shop-copy: stopping after this step (job k7f3q).')
})

it.each([
  [false, start + 1, /expires <!date[^>]*>, then I ask/],
  [true, start + 1, /expires <!date[^>]*>, then deleted/],
  [true, start, /expired <!date/],
])('a line of a list says what happens at the end (deletion: %s, at %i)', (isDeletedAtEnd, expiresAt, words) => {
  const jobs = [{ ...description, isDeletedAtEnd, job: jobIn('succeeded', { expiresAt }), link: null }]
  const view = { filter: { which: 'mine' }, page: 0, pages: 1, jobs, isCut: false, now: start } as const
  expect(JSON.stringify(listMessage(view).blocks)).toMatch(words)
})

it('a line of a list says from where to where, and of a deletion what is deleted', () => {
  const shown = (rest: Partial<Job>) => {
    const jobs = [{ ...description, job: jobIn('awaiting_approval', rest), link: null }]
    const view = { filter: { which: 'mine' }, page: 0, pages: 1, jobs, isCut: false, now: start } as const
    return JSON.stringify(listMessage(view).blocks)
  }
  expect(shown({})).toContain('hoody-prod  ·  shop-api → shop-copy in staging  ·  <@U1>')
  expect(shown({ removes: 'aaaaa' })).toContain('hoody-prod  ·  shop-copy in staging  ·  <@U1>')
})

it.each(states)('the status of a job that is %s is one message that Slack takes', (state) => {
  const view = { ...description, job: jobIn(state), thread: { channel: 'C1', ts: null } }
  const { text, blocks } = statusMessage(view, null)
  MessageBlocks.parse(blocks)
  expect(text).toContain("Its thread hasn't begun yet.")
})

it('says how long ago something was in the unit that people would use', () => {
  const [minute, hour] = [60_000, 3_600_000]
  expect([0, 5 * minute, 3 * hour, 47 * hour, 49 * hour].map(ago)).toEqual([
    'just now',
    '5 min ago',
    '3 h ago',
    '47 h ago',
    '2 days ago',
  ])
})
