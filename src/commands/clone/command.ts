/** /clone-app: understands what was typed and opens the right page for it. */

import type { App } from '@slack/bolt'
import { UserError } from '../../errors.js'
import { didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import { type Connection, operationOf } from '../../providers/provider.js'
import { type Field, fieldsOf } from '../../slack/form/fields.js'
import { choiceView, formView } from '../../slack/form/view.js'
import { limits } from '../../slack/limits.js'
import { brief, mrkdwn } from '../../slack/text.js'
import { answerPrivately } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, allowedConnections, identifyAsker, refused, saveOpeningChannel } from '../authorize.js'
import { Redeliveries } from '../redeliveries.js'
import { explain, findTarget, type Services } from '../services.js'
import { Throttle, tooManyRequests } from '../throttle.js'
import { parseCommandText } from './command-text.js'
import { correctForm, initialFormState } from './open-form.js'
import { parseTypedValues, type TypedValues } from './typed-values.js'

/** What the command says is remembered by the form, which holds 3,000 characters in all. */
const MAX_TEXT_LENGTH = 1_500
/** Typed text may be quoted in the answer, and must not push the rest of it past Slack's limit. */
const MAX_ANSWER_LENGTH = 2_500
const HELP_WORDS: ReadonlySet<string> = new Set(['help', 'list'])

/** What the text behind the command asks for. */
export type ParsedCommand =
  | { kind: 'help'; connections: readonly Connection[] }
  /** `operation` alone is offered where it was named; `values` fit all that is offered. */
  | { kind: 'choose'; connections: readonly Connection[]; operation?: string; values: TypedValues }
  /** It is there, but not for this person. */
  | { kind: 'refused'; act: string }
  | { kind: 'form'; connection: string; operation: string; values: Record<string, string> }

export function registerCloneApp(app: App, services: Services): void {
  const throttle = new Throttle()
  const redeliveries = new Redeliveries()
  app.command('/clone-app', async ({ command, ack, respond, client }) => {
    if (redeliveries.isRedelivery(command.trigger_id ?? '')) {
      services.log.info({ user: command.user_id }, 'Slack delivered a command a second time')
      return await ack()
    }
    const { waitMs } = throttle.take(command.user_id, services.elapsed())
    if (waitMs > 0) {
      return await ack({ response_type: 'ephemeral', text: tooManyRequests(waitMs, 'type the command again') })
    }
    await ack()
    try {
      const { user_id: user, team_id: team, channel_id: channel } = command
      const origin = { user: { id: user }, team: { id: team }, channel: { id: channel } }
      const asker = await identifyAsker(services, origin, AFTER_ACK_TIMEOUT_MS)
      const mine = allowedConnections(services, asker)
      if (mine.size === 0) throw refused(services, asker, 'use Dolly here')
      const request = parseCommand(command.text, mine, services.connections)
      if (request.kind === 'refused') throw refused(services, asker, request.act)
      if (request.kind === 'help') {
        return await answerPrivately(services, respond, helpText(request.connections))
      }
      const opening = await saveOpeningChannel(services, user, channel)
      const from = { channel, opening, choosableChannels: services.people.choosableChannels }
      if (request.kind === 'choose') {
        const memory = { ...from, values: { ...request.values } }
        const view = choiceView(choices(request.connections, request.operation), memory)
        await client.views.open({ trigger_id: command.trigger_id, view })
      } else {
        const { operation, connection } = findTarget(services, request.connection, request.operation)
        const state = initialFormState(request.connection, request.operation, from, request.values)
        const view = formView(operation, state, connection.provider.name)
        const opened = await client.views.open({ trigger_id: command.trigger_id, view })
        if (opened.view?.id) await correctForm(services, client, { id: opened.view.id, hash: opened.view.hash }, state)
      }
    } catch (error) {
      const text = errorAnswer(services, error)
      if (text !== null) await answerPrivately(services, respond, text)
    }
  })
}

/** What a person reads when their command failed, as mrkdwn; null where there is nothing to say. */
export function errorAnswer(services: Services, error: unknown): string | null {
  const message = error instanceof Error ? error.message : ''
  // Another process has opened the form for the same command.
  if (message.includes('exchanged_trigger_id')) {
    services.log.info({ err: error }, 'the form of this command is already open')
    return null
  }
  if (/(expired|invalid)_trigger_id/.test(message)) {
    services.log.warn({ err: error }, 'Slack let a trigger expire')
    return 'Slack took too long to open the form. Please type the command again.'
  }
  return mrkdwn(explain(services, error), MAX_ANSWER_LENGTH)
}

/**
 * Reads `[connection] [operation] [field=value …]`. What is left out and has only one answer is filled in.
 *
 * @param connections what the person may use, with the operations they may start.
 * @param everything what there is, also for others.
 * @throws UserError with the nearest known word for one that nobody knows, and for values that no form can show.
 */
export function parseCommand(
  text: string,
  connections: ReadonlyMap<string, Connection>,
  everything: ReadonlyMap<string, Connection> = connections,
): ParsedCommand {
  if (JSON.stringify(text).length > MAX_TEXT_LENGTH)
    throw new UserError('That is too long to type here. Leave long values to the form.')
  const { words: typed, values } = parseCommandText(text)
  // Names are written small in dolly.yml, and phones capitalise the first letter.
  const words = typed.map((word) => comparable(word))
  const [first = '', second = ''] = words
  const name = HELP_WORDS.has(first) ? second : first
  const named = connections.get(name)
  if (!named && everything.has(name)) return { kind: 'refused', act: `use ${name}` }
  const candidates = named ? [named] : [...connections.values()]
  if (HELP_WORDS.has(first) && name !== '' && !named) return helpOn(name, candidates, everything)
  if (HELP_WORDS.has(first) || (named && HELP_WORDS.has(second))) return { kind: 'help', connections: candidates }

  const rest = named ? words.slice(1) : [...words]
  const operationId = rest.shift()
  if (operationId === undefined) {
    const only = candidates.length === 1 && candidates[0] ? Object.keys(candidates[0].provider.operations) : []
    if (only.length === 1 && candidates[0] && only[0]) return form(candidates[0], only[0], values)
    if (Object.keys(values).length > 0) {
      throw new UserError('Say first where and what, then the fields: /clone-app <connection> <operation> field=value')
    }
    return { kind: 'choose', connections: candidates, values }
  }

  const able = candidates.filter((connection) => operationOf(connection.provider, operationId))
  if (able.length > 0 && HELP_WORDS.has(rest[0] ?? '')) return { kind: 'help', connections: able }
  if (rest[0] !== undefined || able.length === 0) {
    const where = named ? [everything.get(named.name)] : [...everything.values()]
    if (able.length === 0 && where.some((connection) => operationOf(connection?.provider, operationId))) {
      return { kind: 'refused', act: `${operationId} on ${named?.name ?? 'any connection'}` }
    }
    const known = [
      ...(named ? [] : [...connections.keys(), ...HELP_WORDS]),
      ...candidates.flatMap((connection) => Object.keys(connection.provider.operations)),
    ]
    const unknown = able.length === 0 ? operationId : (rest[0] ?? '')
    const more = named
      ? `${named.name} has ${Object.keys(named.provider.operations).join(' and ')}.`
      : '/clone-app help shows what there is.'
    throw new UserError(`I do not know "${brief(unknown)}".${didYouMean(unknown, known)} ${more}`)
  }
  const [only, another] = able
  if (only && !another) return form(only, operationId, values)
  // What the values do not fit was not meant.
  const fitting = able.filter((connection) => fits(connection, operationId, values))
  const [best = only, ...others] = fitting
  if (best && others.length === 0) return form(best, operationId, values)
  return { kind: 'choose', connections: fitting, operation: operationId, values }
}

/** @throws UserError for what is no operation either. */
function helpOn(
  word: string,
  connections: readonly Connection[],
  everything: ReadonlyMap<string, Connection>,
): ParsedCommand {
  const isAble = ({ provider }: Connection) => operationOf(provider, word) !== undefined
  const able = connections.filter(isAble)
  if (able.length > 0) return { kind: 'help', connections: able }
  if ([...everything.values()].some(isAble)) return { kind: 'refused', act: `${word} on any connection` }
  const known = connections.flatMap(({ name, provider }) => [name, ...Object.keys(provider.operations)])
  throw new UserError(`I do not know "${brief(word)}".${didYouMean(word, known)} /clone-app help shows what there is.`)
}

function fits(connection: Connection, operation: string, values: TypedValues): boolean {
  try {
    return Boolean(form(connection, operation, values))
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

function form(connection: Connection, operation: string, values: TypedValues): ParsedCommand {
  const declared = operationOf(connection.provider, operation)
  const read = declared ? parseTypedValues(declared, operation, values) : {}
  return { kind: 'form', connection: connection.name, operation, values: read }
}

function choices(connections: readonly Connection[], only: string | undefined): Parameters<typeof choiceView>[0] {
  return connections.map(({ name, provider }) => ({
    connection: name,
    provider: provider.name,
    operations: Object.entries(provider.operations)
      .filter(([id]) => only === undefined || id === only)
      .map(([id, { title }]) => ({ id, title })),
  }))
}

/**
 * What there is: a line for each connection, or for each operation and field where there is only one connection. Whole lines
 * only; what one message has no room for is counted, with where it stands.
 */
export function helpText(connections: readonly Connection[]): string {
  const [only, another] = connections
  const isOne = only !== undefined && another === undefined
  const head = [
    '*Dolly clones apps.* `/clone-app` alone opens a form; each command below opens its form at once.',
    'Add `field=value` to fill in a field beforehand, with quotes around several words. Names from a list will do instead of ids, several with commas between them.',
    ...(isOne ? [] : ['Add the name of a connection to `/clone-app help` to see its fields.']),
  ]
  const lines = isOne ? operationLines(only) : connections.map(connectionLine)
  const rest = (count: number) =>
    isOne
      ? `…and ${count} more lines: the form itself shows all fields.`
      : `…and ${count} more connections: \`/clone-app\` alone lists them all.`
  // Room for the sentence about the rest is kept, so that it is whole as well.
  let room = limits.messageText - head.join('\n').length - rest(lines.length).length - 1
  const shown = lines.filter((line) => {
    room -= line.length + 1
    return room >= 0
  })
  const left = lines.length - shown.length
  return [...head, ...shown, ...(left > 0 ? [rest(left)] : [])].join('\n')
}

function connectionLine({ name, provider }: Connection): string {
  const commands = Object.keys(provider.operations).map((id) => `\`/clone-app ${name} ${id}\``)
  return `• ${mrkdwn(provider.name)}: ${commands.join(', ')}`
}

function operationLines({ name, provider }: Connection): string[] {
  return Object.entries(provider.operations).flatMap(([id, operation]) => [
    `• \`/clone-app ${name} ${id}\` – ${mrkdwn(operation.title)} (${mrkdwn(provider.name)})`,
    ...fieldsOf(operation).map(fieldLine),
  ])
}

function fieldLine({ key, title, required, kind }: Field): string {
  return `      \`${key}=\` ${mrkdwn(title)}${required && kind !== 'yes-no' ? ', required' : ''}`
}
