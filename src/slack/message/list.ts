/** Pure: a list of jobs, a page of ten at a time, and where one of them stands, for one person alone. */
import type { ActionsBlock, Button, KnownBlock } from '@slack/types'
import { button, context, name, plain, section } from '../blocks.js'
import { limits, mustFit } from '../limits.js'
import { brief, dateAndTime, fromTo, inWords, mrkdwn } from '../text.js'
import { type JobDescription, type JobView, type Message, rootMessage } from './job.js'
import { buttonsBelow, menuOf } from './menu.js'
import { outcomeOf } from './outcome.js'

/** What a list shows. It travels in buttons, so nothing may trust it: each click reads and checks everything again. */
export interface ListFilter {
  which: 'mine' | 'running' | 'failed' | 'all'
  connection?: string | undefined
  /** Slack user id. */
  person?: string | undefined
}

/** One job of a list, and where its thread is; null if that isn't known. */
export interface ListedJob extends JobDescription {
  link: string | null
}

export interface JobListView {
  filter: ListFilter
  /** From 0. */
  page: number
  pages: number
  /** Those of this page. */
  jobs: readonly ListedJob[]
  /** Whether there are older ones that no page shows. */
  isCut: boolean
  /** Milliseconds since 1970. */
  now: number
}

export const JOBS_PER_PAGE = 10

/** Of source and target in a job's line, in characters. */
const MAX_ENDS_LENGTH = 120

/** Everything a person can press in a list carries the filter and the page it leads to. */
export const listActions = {
  page: /^list:(previous|next)$/,
  which: /^list:(mine|running|failed|all)$/,
  person: 'list:person',
} as const

const titles = { mine: 'Your jobs', running: 'Running jobs', failed: 'Failed jobs', all: 'All jobs' } as const
const words = { mine: 'Mine', running: 'Running', failed: 'Failed', all: 'All' } as const

export function listMessage(view: JobListView): Message {
  const { filter, page, pages, jobs, isCut, now } = view
  const where = filter.connection === undefined ? '' : ` on ${name(filter.connection)}`
  const whose = filter.person === undefined ? '' : ` of <@${filter.person}>`
  const title = `${titles[filter.which]}${whose}${where}`
  const onPage = pages > 1 ? `, page ${page + 1} of ${pages}` : ''
  const cutNote =
    isCut && page === pages - 1
      ? [context("Older jobs aren't listed. Filter by person or connection to find one.")]
      : []
  const none = filter.which === 'running' ? 'Nothing is running.' : 'No jobs here.'
  const blocks = [
    section(`*${title}*${onPage}`),
    choices(filter),
    ...(jobs.length === 0 ? [section(none)] : jobs.flatMap((listed) => jobBlocks(listed, now))),
    ...cutNote,
    ...(pages > 1 ? [pageButtons(filter, page, pages)] : []),
  ]
  const lines = jobs.map((listed) => `${outcomeOf(listed).headline} (job ${listed.job.id})`)
  // Whole ones only: what is escaped can't be cut.
  const spoken = lines.filter((_, at) => lines.slice(0, at + 1).join(', ').length <= MAX_SPOKEN_LENGTH)
  const more = lines.length > spoken.length ? `, and ${lines.length - spoken.length} more` : ''
  return { text: `${title}${onPage}: ${lines.length === 0 ? none : `${spoken.join(', ')}${more}.`}`, blocks }
}

/** Of the fallback text, in characters. */
const MAX_SPOKEN_LENGTH = 3_000

/** Two blocks or three: where it stands, in the words of its root, then its place and age, and what asks first. */
export function jobBlocks(listed: ListedJob, now: number): KnownBlock[] {
  const { job, link } = listed
  const menu = menuOf(listed)
  const { icon, headline } = outcomeOf(listed)
  const line = section(`${icon} *${headline}*`)
  const facts = [
    name(job.connection),
    mrkdwn(job.removes === null ? fromTo(job.source, job.target, MAX_ENDS_LENGTH) : brief(job.target)),
    `<@${job.requester}>`,
    ago(now - (job.endedAt ?? job.createdAt)),
    ...(job.expiresAt === null || job.removedAt !== null ? [] : [expiryFact(listed, job.expiresAt, now)]),
    ...(link === null ? [] : [`<${link}|Open its thread>`]),
    `job \`${job.id}\``,
  ]
  return [menu ? { ...line, accessory: menu } : line, context(facts.join('  ·  ')), ...buttonsBelow(listed)]
}

/** Something that is deleted doesn't read like something that is only asked about. */
function expiryFact({ isDeletedAtEnd }: ListedJob, expiresAt: number, now: number): string {
  if (expiresAt <= now) return `expired ${dateAndTime(expiresAt)}`
  return `expires ${dateAndTime(expiresAt)}, then ${isDeletedAtEnd ? 'deleted' : 'I ask'}`
}

/** Where one job stands: what its root says, with a link to it. */
export function statusMessage(view: JobView, link: string | null): Message {
  const { job, now } = view
  const { text, blocks, plainBlocks = blocks } = rootMessage({ ...view, mayAppearTwice: false })
  const age = job.endedAt === null ? `${inWords(now - job.runSince)} so far` : `ended ${ago(now - job.endedAt)}`
  const thread = link === null ? "Its thread hasn't begun yet." : `<${link}|Open its thread>`
  return { text: `${text} ${thread}`, blocks: [...plainBlocks, context(`${age}  ·  ${thread}`)] }
}

/** "just now", "5 min ago", "3 h ago", "12 days ago". */
export function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`
}

function choices(filter: ListFilter): ActionsBlock {
  const { connection, person } = filter
  const buttons = (['mine', 'running', 'failed', 'all'] as const).map(
    (which): Button => ({
      ...listButton(`list:${which}`, words[which], which === 'mine' ? { which, connection } : { ...filter, which }, 0),
      ...(which === filter.which ? { style: 'primary' as const } : {}),
    }),
  )
  return {
    type: 'actions',
    // A choice of a person doesn't say what else the list shows.
    block_id: `list ${encodeFilter({ which: filter.which, connection }, 0)}`,
    elements: [
      ...buttons,
      {
        type: 'users_select',
        action_id: listActions.person,
        placeholder: plain('Whose?'),
        ...(person === undefined ? {} : { initial_user: person }),
      },
    ],
  }
}

function pageButtons(filter: ListFilter, page: number, pages: number): ActionsBlock {
  return {
    type: 'actions',
    elements: [
      ...(page > 0 ? [listButton('list:previous', 'Previous', filter, page - 1)] : []),
      ...(page < pages - 1 ? [listButton('list:next', 'Next', filter, page + 1)] : []),
    ],
  }
}

function listButton(action_id: string, text: string, filter: ListFilter, page: number): Button {
  return button(action_id, text, mustFit(encodeFilter(filter, page), limits.buttonValue))
}

function encodeFilter(filter: ListFilter, page: number): string {
  return JSON.stringify({ ...filter, page })
}
