/** Pure: a page of the history, and all of it as CSV. */
import type { ActionsBlock, KnownBlock } from '@slack/types'
import { isChannel } from '../../lib/channel.js'
import { toCsv } from '../../lib/csv.js'
import { isRecord } from '../../lib/record.js'
import { cut, plainText } from '../../lib/text.js'
import { button, context, name, section } from '../blocks.js'
import { limits } from '../limits.js'
import { fromTo, mrkdwn, mrkdwnWithin } from '../text.js'
import type { Message } from './job.js'

/** One thing that somebody did, or that came of it, as the audit has it. */
export interface HistoryEntry {
  /** Milliseconds since 1970. */
  at: number
  action: string
  actor: string | null
  requester: string | null
  jobId: string | null
  connection: string | null
  operation: string | null
  source: string | null
  target: string | null
  channel: string | null
  /** JSON. */
  details: string | null
  requestId: string | null
  seq: number | null
  hash: string | null
}

/** The page's buttons. Their value says which page they lead to; it is only a hint. */
export const historyActions = { newer: 'history:newer', older: 'history:older' } as const

/** What happened, to be read before a name. Other actions are shown as they are called. */
const WORDS: Readonly<Record<string, string>> = {
  queued: 'Asked for',
  approval_requested: 'Asked for approval',
  approval_given: 'Approved; more approvals needed',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Approval expired',
  step_accepted: 'Accepted by the provider',
  found: 'Found at the provider',
  checked_again: 'Checked again',
  started_over: 'Started over',
  tried_again: 'Tried again',
  cancel_requested: 'Asked to cancel',
  cancelled: 'Cancelled',
  timed_out: 'Timed out',
  removal_started: 'Delete started',
  removal_ended: 'Not deleted',
  removed: 'Deleted',
  expiry_near: 'Expires soon',
  expiry_reached: 'Expired',
}

interface HistoryPage {
  /** At most ten. */
  entries: readonly HistoryEntry[]
  /** From 1. */
  page: number
  /** What the entries are limited to, in words: "of job k7f3q, since …". Empty for everything. */
  filter: string
  /** Values of the buttons; null where there is nothing more. */
  newer: string | null
  older: string | null
}

/** What one person reads, newest first. */
export function historyMessage({ entries, page, filter, newer, older }: HistoryPage): Message {
  const title = `History${filter === '' ? '' : ` ${mrkdwn(filter)}`}, newest first${page > 1 ? `, page ${page}` : ''}`
  if (entries.length === 0) {
    const text = `${title}: nothing${page > 1 ? ' more' : ''}.`
    return { text, blocks: [section(text), ...buttons(newer, older)] }
  }
  const lines = entries.map(inLines)
  const blocks: KnownBlock[] = [section(`*${title}*`), ...lines.map((text) => section(text)), ...buttons(newer, older)]
  if (older !== null) blocks.push(context('To export all of it, add `csv` to the command.'))
  return { text: cut(`${title}:\n${lines.join('\n')}`, limits.messageText), blocks }
}

function buttons(newer: string | null, older: string | null): KnownBlock[] {
  const elements = [
    ...(newer === null ? [] : [button(historyActions.newer, 'Previous', newer)]),
    ...(older === null ? [] : [button(historyActions.older, 'Next', older)]),
  ]
  return elements.length === 0 ? [] : [{ type: 'actions', block_id: 'history', elements } satisfies ActionsBlock]
}

const MAX_NAMES_LENGTH = 200
const MAX_DETAILS_LENGTH = 300

/** Two lines: what, who and where; and what else is known. */
function inLines(entry: HistoryEntry): string {
  const { at, actor, jobId, connection, operation, source, target, channel, requestId } = entry
  const names = source === null || target === null ? (target ?? source ?? '') : fromTo(source, target, MAX_NAMES_LENGTH)
  const first = [
    date(at),
    `*${mrkdwn(inWords(entry.action))}*`,
    actor === null ? '' : `by <@${actor}>`,
    jobId === null ? '' : `job \`${jobId}\``,
    channel === null || !isChannel(channel) ? '' : `in <#${channel}>`,
  ]
  const second = [
    mrkdwnWithin(MAX_NAMES_LENGTH * 2, names),
    name([operation, connection].filter(Boolean).join(' on ')),
    mrkdwnWithin(MAX_DETAILS_LENGTH, detailsInWords(entry.details)),
    requestId === null ? '' : `request ${mrkdwnWithin(MAX_NAMES_LENGTH, requestId)}`,
  ]
  return [first, second].map((parts) => parts.filter(Boolean).join(' · ')).join('\n')
}

function inWords(action: string): string {
  const words = action.replaceAll('_', ' ')
  return WORDS[action] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** The provider's words, or what was asked for, by the names that people know: "name: shop-copy, deploy: yes". */
function detailsInWords(details: string | null): string {
  const parsed: unknown = JSON.parse(details ?? '{}')
  if (!isRecord(parsed)) return ''
  const { detail, answers, labels } = parsed
  if (typeof detail === 'string') return plainText(detail)
  if (!isRecord(answers)) return ''
  const names = isRecord(labels) ? labels : {}
  const words = Object.entries(answers).flatMap(([key, value]) => {
    const text = names[key] ?? answerInWords(value)
    return text === '' ? [] : [`${key}: ${text}`]
  })
  return words.join(', ')
}

/** Empty for a no and for what was left out, which a table still has. */
function answerInWords(value: unknown): string {
  if (value === true) return 'yes'
  if (value === false || value === null) return ''
  return Array.isArray(value) ? value.join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function date(ms: number): string {
  const fallback = new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  return `<!date^${Math.floor(ms / 1000)}^{date_short_pretty} {time}|${fallback} UTC>`
}

const COLUMNS = ['seq', 'at', 'action', 'actor', 'requester', 'jobId', 'connection', 'operation'] as const
const MORE_COLUMNS = ['source', 'target', 'channel', 'details', 'requestId', 'hash'] as const

/** All entries as a table, with the names of its columns above. Times are UTC. */
export function historyCsv(entries: readonly HistoryEntry[]): string {
  const keys = [...COLUMNS, ...MORE_COLUMNS]
  const rows = entries.map((entry) => keys.map((key) => (key === 'at' ? new Date(entry.at).toISOString() : entry[key])))
  return toCsv([keys, ...rows])
}

/** In characters of a block's text, escaped. */
const MAX_CODE_LENGTH = 2_900

/** As many of the first lines of a table as fit into a message, as a block of code. */
export function csvInMessage(csv: string, total: number, advice: string): Message {
  const lines = csv.split('\r\n').filter(Boolean).map(escapeCode)
  let code = ''
  let shown = -1
  for (const line of lines) {
    if (code.length + line.length + 1 > MAX_CODE_LENGTH) break
    code += `${line}\n`
    shown += 1
  }
  const rows = Math.max(shown, 0)
  const head = rows === total ? `All ${total} entries:` : `The first ${rows} of ${total} entries. ${advice}`
  return { text: `${head}\n${code}`, blocks: [section(head), section(`\`\`\`\n${code}\`\`\``)] }
}

function escapeCode(text: string): string {
  return text.replaceAll('`', 'ˋ').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
