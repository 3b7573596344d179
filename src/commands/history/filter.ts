/** Pure: what was typed after `history` → which entries are wanted. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import { brief } from '../../slack/text.js'

/** Which entries of the history are wanted. It comes back from the person's client, so nothing may trust it. */
export const HistoryFilter = z.object({
  /** A Slack user id. */
  person: z.string().max(40).optional(),
  job: z.string().max(20).optional(),
  connection: z.string().max(100).optional(),
  /** Milliseconds since 1970. */
  since: z.number().optional(),
})
export type HistoryFilter = z.infer<typeof HistoryFilter>

const KEYS = ['person', 'job', 'connection', 'since'] as const
const CSV = 'csv'
const HOUR_MS = 60 * 60_000
const UNITS_MS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS }

/**
 * Reads `[person=@…] [job=…] [connection=…] [since=7d] [csv]`. A word of its own is taken for a job.
 *
 * @param me the id of the person who asks.
 * @throws UserError for what can't be read, with the nearest thing that can.
 */
export function parseFilter(
  words: readonly string[],
  values: Readonly<Record<string, string>>,
  { me, now, connections }: { me: string; now: number; connections: readonly string[] },
): { filter: HistoryFilter; isCsv: boolean } {
  const filter: HistoryFilter = {}
  const plain = words.filter((word) => comparable(word) !== CSV)
  const [job, another] = plain
  if (another !== undefined) throw unknownWord(another)
  if (job !== undefined) filter.job = jobOf(job)
  for (const [typed, value] of Object.entries(values)) {
    const key = KEYS.find((known) => known === comparable(typed))
    if (key === 'person') filter.person = personOf(value, me)
    else if (key === 'job') filter.job = jobOf(value)
    else if (key === 'connection') filter.connection = connectionOf(value, connections)
    else if (key === 'since') filter.since = sinceOf(value, now)
    else throw unknownWord(typed)
  }
  return { filter, isCsv: plain.length < words.length }
}

function unknownWord(word: string): UserError {
  const near = closest(word, [...KEYS, CSV])
  const instead = near === undefined || near === CSV ? `/clone-app history ${near ?? ''}`.trim() : EXAMPLES[near]
  return new UserError(`I don't understand "${brief(word)}". Type:`, { instead })
}

const EXAMPLES: Readonly<Record<string, string>> = {
  person: '/clone-app history person=me',
  job: '/clone-app history job=<its ID>',
  connection: '/clone-app history connection=<its name>',
  since: '/clone-app history since=7d',
}

function jobOf(typed: string): string {
  const id = comparable(typed).replaceAll(/[^a-z0-9]/g, '')
  if (!/^[a-z0-9]{5}$/.test(id)) throw unknownWord(typed)
  return id
}

/** Slack sends `@ann` as it was typed, without the person's id. Ids are in capitals. */
function personOf(typed: string, me: string): string {
  if (comparable(typed) === 'me') return me
  const [, id] = /^(?:<@|@)?([UW][A-Z0-9]{1,30})(?:\|[^>]*)?>?$/.exec(typed.trim()) ?? []
  if (id !== undefined) return id
  const advice = 'Open their profile, choose ⋮, "Copy member ID", and type:'
  const instead = '/clone-app history person=<member ID>'
  throw new UserError(`I can't tell who "${brief(typed)}" is from a command. ${advice}`, { instead })
}

function connectionOf(typed: string, connections: readonly string[]): string {
  const name = comparable(typed)
  // One that dolly.yml no longer has still has a history.
  if (/^[a-z0-9-]{1,40}$/.test(name)) return name
  const near = closest(name, connections)
  const instead = `/clone-app history${near === undefined ? '' : ` connection=${near}`}`
  throw new UserError(`There's no connection "${brief(typed)}". Type:`, { instead })
}

function sinceOf(typed: string, now: number): number {
  const text = comparable(typed)
  const [, count = '', unit = ''] = /^(\d{1,4})([hdw])$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (unitMs !== undefined) return now - Number(count) * unitMs
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(date)) return date
  const instead = EXAMPLES.since
  throw new UserError(
    `I can't read "since=${brief(typed)}". Write hours, days, weeks or a date: 12h, 7d, 4w, 2026-11-01.`,
    {
      instead,
    },
  )
}

/** The same in words, to follow "History". */
export function filterInWords({ person, job, connection, since }: HistoryFilter): string {
  const date = since === undefined ? '' : new Date(since).toISOString().slice(0, 16).replace('T', ' ')
  return [
    job === undefined ? '' : `of job ${job}`,
    person === undefined ? '' : `of ${person}`,
    connection === undefined ? '' : `on ${connection}`,
    date === '' ? '' : `since ${date} UTC`,
  ]
    .filter(Boolean)
    .join(' ')
}
