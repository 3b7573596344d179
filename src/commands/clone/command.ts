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
  const { words: written, values } = parseCommandText(text)
  // `help hoody` is `hoody help`.
  const isHelpFirst = HELP_WORDS.has(comparable(written[0] ?? ''))
  const typed = isHelpFirst ? [...written.slice(1, 2), ...written.slice(0, 1), ...written.slice(2)] : written
  // Names in dolly.yml are lower-case, and phones capitalise the first letter.
  const words = typed.map((word) => comparable(word))
  const [name = ''] = words
  const named = connections.get(name)
  if (!named && everything.has(name)) return { kind: 'refused', act: `use ${name}` }
  const candidates = named ? [named] : [...connections.values()]
  const [operationId, extra] = named ? words.slice(1) : words
  if (HELP_WORDS.has(operationId ?? '')) return { kind: 'help', connections: candidates }

  if (operationId === undefined) {
    const [first, another] = candidates.flatMap((connection) =>
      Object.keys(connection.provider.operations).map((id) => ({ connection, id })),
    )
    if (first && !another) return form(first.connection, first.id, values)
    if (Object.keys(values).length > 0) {
      throw new UserError(
        'Put the connection and the operation before the fields: /clone-app <connection> <operation> field=value',
      )
    }
    return { kind: 'choose', connections: candidates, values }
  }

  const able = candidates.filter((connection) => operationOf(connection.provider, operationId))
  const [only, another] = able
  if (!only) {
    const where = named ? [everything.get(named.name)] : [...everything.values()]
    if (where.some((connection) => operationOf(connection?.provider, operationId))) {
      return { kind: 'refused', act: `run ${operationId} on ${named?.name ?? 'any connection'}` }
    }
    const operations = candidates.flatMap((connection) => Object.keys(connection.provider.operations))
    if (named) {
      throw new UserError(
        `${named.name} has no operation "${brief(operationId)}".${didYouMean(operationId, operations)} It has ${operations.join(' and ')}.`,
      )
    }
    const near = didYouMean(operationId, [...connections.keys(), ...HELP_WORDS, ...operations])
    throw new UserError(
      `There's no connection or operation "${brief(operationId)}".${near} Type /clone-app help to see all commands.`,
    )
  }
  if (HELP_WORDS.has(extra ?? '')) return { kind: 'help', connections: able }
  if (extra !== undefined) throw extraWord(typed[named ? 2 : 1] ?? extra, operationOf(only.provider, operationId))
  if (!another) return form(only, operationId, values)
  // The connection that was meant takes these values.
  const fitting = able.filter((connection) => fits(connection, operationId, values))
  const [best = only, ...others] = fitting
  if (others.length === 0) return form(best, operationId, values)
  return { kind: 'choose', connections: fitting, operation: operationId, values }
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
