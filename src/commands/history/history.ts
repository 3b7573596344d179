/** `/clone-app history`: who did what, page by page, or as a table. */
import type { App, BlockAction, ButtonAction } from '@slack/bolt'
import { z } from 'zod'
import type { Asker } from '../../access/rules.js'
import { sendFile } from '../../slack/api/files.js'
import { csvInMessage, historyActions, historyCsv, historyMessage } from '../../slack/message/history.js'
import type { Message } from '../../slack/message/job.js'
import { mrkdwn } from '../../slack/text.js'
import { type Answer, answerPrivately, errorText, replaceAnswer } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import type { Services } from '../services.js'
import { Throttle, tooManyRequests } from '../throttle.js'
import type { CommandRequest, Verb } from '../verb.js'
import { filterInWords, HistoryFilter, parseFilter } from './filter.js'
import { readHistory } from './read.js'

const PAGE_SIZE = 10
const MAX_PAGE = 500
const MAX_CSV_ROWS = 5_000

/** Which page a button leads to. It passes through the person's client: the person who presses it is checked again. */
const Page = HistoryFilter.extend({ page: z.int().min(1).max(MAX_PAGE), until: z.number() })
type Page = z.infer<typeof Page>

export const historyVerb: Verb = {
  words: ['history', 'audit'],
  usage: 'history [job=… connection=… person=… since=7d] [csv]',
  does: 'who did what, and when',
  group: 'follow',
  needs: ['history', 'start'],
  async run(request) {
    const { services, asker, words, values } = request
    const now = services.now()
    const connections = [...services.connections.keys()]
    const { filter, isCsv } = parseFilter(words, values, { me: asker.id, now, connections })
    return isCsv ? await sendTable(request, filter) : await pageOf(services, asker, { ...filter, page: 1, until: now })
  },
}

async function pageOf(services: Services, asker: Asker, wanted: Page): Promise<Message> {
  const { page, until, ...filter } = wanted
  const first = (page - 1) * PAGE_SIZE
  const { rows, isCutOff } = await readHistory(services, asker, filter, { until, wanted: first + PAGE_SIZE + 1 })
  const value = (to: number) => JSON.stringify({ ...wanted, page: to } satisfies Page)
  const hasMore = rows.length > first + PAGE_SIZE && page < MAX_PAGE
  const message = historyMessage({
    entries: rows.slice(first, first + PAGE_SIZE),
    page,
    filter: filterInWords(filter),
    newer: page > 1 ? value(page - 1) : null,
    older: hasMore ? value(page + 1) : null,
  })
  if (!isCutOff || hasMore) return message
  const words = "I didn't look any further back. Add since=, job= or connection= to narrow it."
  const blocks: Message['blocks'] = [
    ...message.blocks,
    { type: 'context', elements: [{ type: 'mrkdwn', text: words }] },
  ]
  return { text: `${message.text}\n${words}`, blocks }
}

/** A file in the person's direct messages; without the right to send one, as much of the table as a message holds. */
async function sendTable({ services, client, asker }: CommandRequest, filter: HistoryFilter): Promise<Answer> {
  const until = services.now()
  const { rows } = await readHistory(services, asker, filter, { until, wanted: MAX_CSV_ROWS })
  if (rows.length === 0) return "There's nothing to export."
  const csv = historyCsv(rows)
  const filename = `dolly-history-${new Date(until).toISOString().slice(0, 10)}.csv`
  const comment = `The history you asked for: ${rows.length} entries.`
  if (await sendFile(client, asker.id, { filename, content: csv, comment }))
    return `I sent you ${filename} as a direct message (${rows.length} entries).`
  const advice = `For all of it as a file, ${services.access.owner} must grant Dolly's Slack app the scopes files:write and im:write.`
  return csvInMessage(csv, rows.length, mrkdwn(advice))
}

/** Previous and Next below a page: the message itself turns. */
export function registerHistoryPages(app: App, services: Services): void {
  const throttle = new Throttle()
  for (const action_id of Object.values(historyActions)) {
    app.action<BlockAction<ButtonAction>>(
      { type: 'block_actions', action_id },
      async ({ ack, action, body, respond }) => {
        await ack()
        try {
          const { waitMs } = throttle.take(body.user.id, services.elapsed())
          if (waitMs > 0)
            return await answerPrivately(services, respond, tooManyRequests(waitMs, 'turn the page again'))
          const wanted = readPage(action.value)
          if (wanted === null) return await answerPrivately(services, respond, TOO_OLD)
          const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
          const message = await pageOf(services, asker, wanted)
          await replaceAnswer(services, respond, message)
        } catch (error) {
          await answerPrivately(services, respond, errorText(services, error))
        }
      },
    )
  }
}

const TOO_OLD = "I can't read this page any more. Type /clone-app history again."

function readPage(value: string | undefined): Page | null {
  try {
    return Page.parse(JSON.parse(value ?? ''))
  } catch {
    return null
  }
}
