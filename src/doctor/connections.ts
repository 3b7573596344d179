/** Whether each connection can be reached, and may read its lists. Only reads. */
import { ConnectionError, TemporaryError, UserError } from '../errors.js'
import { within } from '../lib/within.js'
import type { Connection, Picker } from '../providers/provider.js'
import { fieldsOf } from '../slack/form/fields.js'
import { explainCause } from './causes.js'
import type { Finding } from './finding.js'

/** For the list of one connection: people in front of a form wait no longer. */
const LIST_TIMEOUT_MS = 20_000

/** A list of a form that needs no answers. */
interface List {
  /** Of its field. */
  title: string
  /** Whether it's the first one of a form, which names what is cloned. */
  isSource: boolean
  read: Picker
}

/** Each once, that of the first form's source first. */
function listsOf({ provider }: Connection): List[] {
  const lists = new Map<string, List>()
  for (const operation of Object.values(provider.operations)) {
    const fields = fieldsOf(operation).filter(({ picker, dependsOn }) => picker && dependsOn.length === 0)
    for (const [at, { picker = '', title }] of fields.entries()) {
      const read = provider.pickers[picker]
      if (read && !lists.has(picker)) lists.set(picker, { title, isSource: at === 0, read })
    }
  }
  return [...lists.values()]
}

/** How many entries a list has, or why it can't be read. Never rejects. */
async function tryList(
  { name, api, host }: Connection,
  { read }: List,
  timeoutMs: number,
): Promise<{ entries: number } | { problem: string }> {
  const count = async () => ({ entries: (await read(api, {})).length })
  const answer = count().catch((error: unknown) => ({ problem: sentenceOf(name, host, error) }))
  return (
    (await within(timeoutMs, answer)) ?? { problem: `${name} did not answer within ${timeoutMs / 1000} s (${host}).` }
  )
}

/** With the host and, where no answer came, the cause. */
function sentenceOf(name: string, host: string, error: unknown): string {
  const isOurs = error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError
  if (!isOurs) return `Something broke on our side while reading ${name} (${host}).`
  const cause = explainCause(error)
  return `${host}: ${error.message}${cause === undefined ? '' : ` ${cause}`}`
}

/** Logs each connection whose first list can't be read. Never rejects. */
export async function warnUnreachable(
  connections: readonly Connection[],
  log: { info(message: string): void; warn(fields: object, message: string): void },
  timeoutMs = LIST_TIMEOUT_MS,
): Promise<void> {
  const probes = connections.map(async (connection) => {
    const [list] = listsOf(connection)
    const answer = list ? await tryList(connection, list, timeoutMs) : { entries: 0 }
    if ('entries' in answer) return true
    log.warn({ connection: connection.name, reason: answer.problem }, 'a connection did not answer')
    return false
  })
  const answered = (await Promise.all(probes)).filter(Boolean)
  log.info(`${answered.length} of ${connections.length} connections answered`)
}

/**
 * Reads all lists that need no answers, at once. Without that of the source nothing can be cloned; without another one people
 * type an ID.
 */
export async function checkConnection(connection: Connection, timeoutMs = LIST_TIMEOUT_MS): Promise<Finding[]> {
  const { name, host } = connection
  const check = `connection ${name}`
  const lists = listsOf(connection)
  const answers = await Promise.all(
    lists.map(async (list) => ({ list, answer: await tryList(connection, list, timeoutMs) })),
  )
  const [source] = answers
  if (source && 'problem' in source.answer) return [{ check, result: 'failed', sentence: source.answer.problem }]
  const warnings = answers.flatMap(({ list, answer }): Finding[] => {
    if ('entries' in answer) return []
    const sentence = `The list of the field "${list.title}" can't be read, so people type an ID there. ${answer.problem}`
    return [{ check, result: 'warning', sentence }]
  })
  const sources = answers.filter(({ list }) => list.isSource)
  if (sources.every(({ answer }) => 'entries' in answer && answer.entries === 0)) {
    const sentence = `${name} answers at ${host}, but lists nothing that can be cloned. If there is something, its token may not see it.`
    return [{ check, result: 'warning', sentence }, ...warnings]
  }
  const good = `${name} answers at ${host}. ${readable(answers.length - warnings.length, lists.length)}`
  return [{ check, result: 'ok', sentence: good }, ...warnings]
}

function readable(good: number, all: number): string {
  if (good < all) return `Its token may read ${good} of ${all} lists.`
  return all === 1 ? 'Its token may read the list of its forms.' : `Its token may read all ${all} lists.`
}
