/** /clone-app: parses the command and opens the page it asks for. */
import type { App } from '@slack/bolt'
import { LRUCache } from 'lru-cache'
import { UserError } from '../../errors.js'
import { didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import { type Connection, type Operation, operationOf } from '../../providers/provider.js'
import { slackErrorCode } from '../../slack/api/errors.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { choiceView, formView } from '../../slack/form/view.js'
import { brief, mrkdwn } from '../../slack/text.js'
import { answerPrivately } from '../answer.js'
import {
  AFTER_ACK_TIMEOUT_MS,
  accessDenied,
  allowedConnections,
  identifyAsker,
  saveOpeningChannel,
} from '../authorize.js'
import { explain, findTarget, type Services } from '../services.js'
import { Throttle, tooManyRequests } from '../throttle.js'
import { parseCommandText } from './command-text.js'
import { helpText } from './help.js'
import { correctForm, initialFormState } from './open-form.js'
import { parseTypedValues, type TypedValues } from './typed-values.js'

/** The form carries what the command says, and can carry 3,000 characters in all. */
const MAX_TEXT_LENGTH = 1_500
/** Answers quote typed text, which must not push the rest past Slack's limit. */
const MAX_ANSWER_LENGTH = 2_500
const HELP_WORDS: ReadonlySet<string> = new Set(['help', 'list'])

/** More commands than people type while Slack may still deliver one again. */
const MAX_TRIGGER_IDS = 1_000

/** What a command asks for. */
export type ParsedCommand =
  | { kind: 'help'; connections: readonly Connection[] }
  /** Page 1, with only the named `operation` if there is one; `values` fit every choice on it. */
  | { kind: 'choose'; connections: readonly Connection[]; operation?: string; values: TypedValues }
  /** It exists, but this person can't use it. `act` continues "You can't …". */
  | { kind: 'refused'; act: string }
  | { kind: 'form'; connection: string; operation: string; values: Record<string, string> }

export function registerCloneApp(app: App, services: Services): void {
  const throttle = new Throttle()
  const isRedelivery = createRedeliveryCheck()
  app.command('/clone-app', async ({ command, ack, respond, client }) => {
    if (isRedelivery(command.trigger_id ?? '')) {
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
      if (mine.size === 0) throw accessDenied(services, asker, 'use Dolly here')
      const parsed = parseCommand(command.text, mine, services.connections)
      if (parsed.kind === 'refused') throw accessDenied(services, asker, parsed.act)
      if (parsed.kind === 'help') {
        return await answerPrivately(services, respond, helpText(parsed.connections))
      }
      const opening = await saveOpeningChannel(services, user, channel)
      const from = { channel, opening, choosableChannels: services.people.choosableChannels }
      if (parsed.kind === 'choose') {
        const state = { ...from, values: { ...parsed.values } }
        const view = choiceView(choices(parsed.connections, parsed.operation), state)
        await client.views.open({ trigger_id: command.trigger_id, view })
      } else {
        const { operation, connection } = findTarget(services, parsed.connection, parsed.operation)
        const state = initialFormState(parsed.connection, parsed.operation, from, parsed.values)
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

/**
 * Returns a function that says whether a command was delivered before: Slack repeats one if it did not hear that it arrived,
 * with the same trigger id. An empty id never counts as a repeat.
 */
export function createRedeliveryCheck(): (triggerId: string) => boolean {
  const seen = new LRUCache<string, true>({ max: MAX_TRIGGER_IDS })
  return (triggerId) => {
    const isRedelivery = triggerId !== '' && seen.has(triggerId)
    seen.set(triggerId, true)
    return isRedelivery
  }
}

/** What a person reads when their command failed, as mrkdwn; null if there is nothing to say. */
export function errorAnswer(services: Services, error: unknown): string | null {
  const code = slackErrorCode(error)
  // Slack delivered the command twice, and the form is open already.
  if (code === 'exchanged_trigger_id') {
    services.log.info({ err: error }, 'the form of this command is already open')
    return null
  }
  if (code === 'expired_trigger_id' || code === 'invalid_trigger_id') {
    services.log.warn({ err: error }, 'Slack let a trigger expire')
    return "Slack took too long, so the form didn't open. Type the command again."
  }
  return mrkdwn(explain(services, error), MAX_ANSWER_LENGTH)
}

/**
 * Parses `[connection] [operation] [field=value …]`. Whatever is left out and has only one possible answer is filled in.
 *
 * @param connections what this person can use, with the operations they can start.
 * @param everything all connections.
 * @throws UserError for an unknown word, with the nearest known one, and for values that no form can show.
 */
export function parseCommand(
  text: string,
  connections: ReadonlyMap<string, Connection>,
  everything: ReadonlyMap<string, Connection> = connections,
): ParsedCommand {
  if (JSON.stringify(text).length > MAX_TEXT_LENGTH)
    throw new UserError('That command is too long. Put long values into the form instead.')
  const { words: typed, values } = parseCommandText(text)
  // Names in dolly.yml are lower-case, and phones capitalise the first letter.
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
      throw new UserError(
        'Put the connection and the operation before the fields: /clone-app <connection> <operation> field=value',
      )
    }
    return { kind: 'choose', connections: candidates, values }
  }

  const able = candidates.filter((connection) => operationOf(connection.provider, operationId))
  if (able.length > 0 && HELP_WORDS.has(rest[0] ?? '')) return { kind: 'help', connections: able }
  if (able.length === 0) {
    const where = named ? [everything.get(named.name)] : [...everything.values()]
    if (where.some((connection) => operationOf(connection?.provider, operationId))) {
      return { kind: 'refused', act: `run ${operationId} on ${named?.name ?? 'any connection'}` }
    }
    const operations = candidates.flatMap((connection) => Object.keys(connection.provider.operations))
    if (!named) throw unknownCommand(operationId, [...connections.keys(), ...HELP_WORDS, ...operations])
    throw new UserError(
      `${named.name} has no operation "${brief(operationId)}".${didYouMean(operationId, operations)} It has ${operations.join(' and ')}.`,
    )
  }
  const [only, another] = able
  const [extra] = rest
  if (only && extra !== undefined)
    throw extraWord(typed.at(-rest.length) ?? extra, operationOf(only.provider, operationId))
  if (only && !another) return form(only, operationId, values)
  // The connection that was meant takes these values.
  const fitting = able.filter((connection) => fits(connection, operationId, values))
  const [best = only, ...others] = fitting
  if (best && others.length === 0) return form(best, operationId, values)
  return { kind: 'choose', connections: fitting, operation: operationId, values }
}

/**
 * Help on a word that is no connection.
 *
 * @throws UserError when it is no operation either.
 */
function helpOn(
  word: string,
  connections: readonly Connection[],
  everything: ReadonlyMap<string, Connection>,
): ParsedCommand {
  const isAble = ({ provider }: Connection) => operationOf(provider, word) !== undefined
  const able = connections.filter(isAble)
  if (able.length > 0) return { kind: 'help', connections: able }
  if ([...everything.values()].some(isAble)) return { kind: 'refused', act: `run ${word} on any connection` }
  const known = connections.flatMap(({ name, provider }) => [name, ...Object.keys(provider.operations)])
  throw unknownCommand(word, known)
}

function unknownCommand(word: string, known: readonly string[]): UserError {
  return new UserError(
    `There's no command "${brief(word)}".${didYouMean(word, known)} Type /clone-app help to see all commands.`,
  )
}

/** Most often it is the name of an app, which needs its field before it: that field is the form's first list. */
function extraWord(word: string, operation: Operation | undefined): UserError {
  const field = operation && fieldsOf(operation).find(({ picker }) => picker)
  const isPlain = /^[\w.-]{1,60}$/.test(word)
  const advice = field ? `write ${field.key}=${isPlain ? word : '…'}, or ` : ''
  return new UserError(`"${brief(word)}" needs a field name: ${advice}leave it out and fill in the form.`)
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
