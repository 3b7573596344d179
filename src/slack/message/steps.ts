/** Pure: the steps of a running job: a plan where Slack has that block, lines of text elsewhere. */
import type { KnownBlock, RichTextBlock, RichTextElement, TaskCardBlock } from '@slack/types'
import type { Job } from '../../domain/job.js'
import { isUnreachable } from '../../domain/polling.js'
import { plainText } from '../../lib/text.js'
import { name, section, sentence } from '../blocks.js'
import { time } from '../text.js'
import type { JobDescription } from './job.js'

/** Characters of a step's title. */
const MAX_TITLE_LENGTH = 75
/** Characters of the provider's words about the present step. */
const MAX_DETAIL_LENGTH = 500

/** Whether the steps are worth showing: while it runs, and only if the present one is known. */
export function areStepsShown({ job, steps }: JobDescription): boolean {
  return ['queued', 'starting', 'working'].includes(job.state) && job.strandedSince === null && steps.has(job.step)
}

/** Not every workspace has plans. Slack caches a block by its id, so each edit has one of its own. */
export function planBlock(view: JobDescription): KnownBlock {
  const { job, steps } = view
  const present = [...steps.keys()].indexOf(job.step)
  const tasks = [...steps].map(([id, { title }], place): TaskCardBlock => {
    const status =
      place < present ? 'complete' : place === present && job.state !== 'queued' ? 'in_progress' : 'pending'
    const details = place === present ? { details: richText(presentDetails(view)) } : {}
    return { type: 'task_card', task_id: id, title: plainText(title, MAX_TITLE_LENGTH) || id, status, ...details }
  })
  return { type: 'plan', block_id: `steps-${job.version}`, title: `Step ${present + 1} of ${steps.size}`, tasks }
}

/** The same as lines. A word repeats each icon, so that nobody has to tell icons apart. */
export function stepLines(view: JobDescription): KnownBlock {
  const { job, steps } = view
  const present = [...steps.keys()].indexOf(job.step)
  const lines = [...steps.values()].map(({ title }, place) => {
    if (place < present) return `:white_check_mark: ${name(title)} – done`
    if (place > present) return `:white_circle: ${name(title)} – not started`
    const icon = job.state === 'queued' ? ':white_circle:' : ':large_blue_circle:'
    const detail = sentence(detailOf(view), MAX_DETAIL_LENGTH)
    const since = job.state === 'queued' ? '' : ` since ${time(sinceOf(job))}`
    return `${icon} ${name(title)} – ${stateWord(job)}${since}${detail && `: ${detail}`}`
  })
  return section(lines.join('\n'))
}

/** What the provider says of the present step, as it came. Empty where the headline's own lines say it. */
export function detailOf({ job, now }: JobDescription): string {
  return job.state === 'working' && !isUnreachable(job, now) ? plainText(job.detail ?? '', MAX_DETAIL_LENGTH) : ''
}

/** In plain words. */
function stateWord({ state, waitingSince }: Job): string {
  if (state === 'queued') return 'next'
  if (state === 'working') return 'running'
  return waitingSince === null ? 'sending' : 'checking'
}

function sinceOf({ state, startedAt, stepSince }: Job): number {
  return state === 'working' ? (startedAt ?? stepSince) : stepSince
}

function presentDetails(view: JobDescription): RichTextElement[] {
  const { job } = view
  const word = stateWord(job)
  const text = `${word.charAt(0).toUpperCase()}${word.slice(1)}`
  if (job.state === 'queued') return [{ type: 'text', text }]
  const at = sinceOf(job)
  const detail = detailOf(view)
  return [
    { type: 'text', text: `${text} since ` },
    { type: 'date', timestamp: Math.floor(at / 1000), format: '{time}', fallback: `${utcTime(at)} UTC` },
    ...(detail === '' ? [] : [{ type: 'text', text: `: ${detail}` } as const]),
  ]
}

function utcTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16)
}

function richText(elements: RichTextElement[]): RichTextBlock {
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] }
}
