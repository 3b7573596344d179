/** /clone-app without a verb: parses the command and opens the page it asks for. */
import { COMMAND_WORDS } from '../../access/words.js'
import { UserError } from '../../errors.js'
import { closest, didYouMean } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import { type Connection, type Operation, operationOf } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { choiceView } from '../../slack/form/view.js'
import { brief, unescapeSlack } from '../../slack/text.js'
import type { Answer } from '../answer.js'
import { accessDenied, allowedConnections } from '../authorize.js'
import { findTarget } from '../services.js'
import { openingState, readChannelSettings } from '../settings/preferences.js'
import type { CommandRequest } from '../verb.js'
import { parseCommandText } from './command-text.js'
import { helpText } from './help.js'
import { openForm } from './open-form.js'
import { parseTypedValues, type TypedValues } from './typed-values.js'

/** The form carries what the command says, and can carry 3,000 characters in all. */
const MAX_TEXT_LENGTH = 1_500
const HELP_WORD = 'help'

/** What a command asks for. */
export type ParsedCommand =
  /** With only the named `operation` if there is one. */
  | { kind: 'help'; connections: readonly Connection[]; operation?: string }
  /** Page 1, with only the named `operation` if there is one; `values` fit every choice on it. */
  | { kind: 'choose'; connections: readonly Connection[]; operation?: string; values: TypedValues }
  /** It exists, but this person can't use it. `act` continues "You can't …". */
  | { kind: 'refused'; act: string }
  | { kind: 'form'; connection: string; operation: string; values: Record<string, string> }

/** Opens the form that the command asks for, or the page where people choose one. Returns help where that was asked for. */
export async function openFromCommand(
  request: CommandRequest,
  presets: readonly string[] = [],
): Promise<Answer | null> {
  const { services, client, asker, text, triggerId: trigger_id, channel } = request
  const mine = allowedConnections(services, asker)
  if (mine.size === 0) throw accessDenied(services, asker, 'use Dolly here')
  const parsed = parseCommand(text, mine, services.connections, presets)
  if (parsed.kind === 'refused') throw accessDenied(services, asker, parsed.act)
  if (parsed.kind === 'help') return helpText(parsed.connections, parsed.operation)
  if (parsed.kind === 'form') {
    await openForm(request, findTarget(services, parsed.connection, parsed.operation), parsed.values)
    return null
  }
  const from = await openingState(services, asker, channel)
  const { connection } = await readChannelSettings(services.db, channel)
  const state = { ...from, values: { ...parsed.values } }
  const view = choiceView(choices(parsed.connections, parsed.operation), state, connection)
  await client.views.open({ trigger_id, view })
  return null
}

/**
 * Parses `[connection] [operation] [field=value …]`. Whatever is left out and has only one possible answer is filled in.
 *
 * @param connections what this person can use, with the operations they can start.
 * @param everything all connections.
 * @param presets names that somebody may have meant.
 * @throws UserError for an unknown word, with the nearest known one, and for values that no form can show.
 */
export function parseCommand(
  text: string,
  connections: ReadonlyMap<string, Connection>,
  everything: ReadonlyMap<string, Connection> = connections,
  presets: readonly string[] = [],
): ParsedCommand {
  if (JSON.stringify(text).length > MAX_TEXT_LENGTH)
    throw new UserError('That command is too long. Put long values into the form instead.')
  const { words: written, values } = parseCommandText(text)
  // The word for help may come first: `help <connection> copy` is `<connection> copy help`.
  const isHelpFirst = comparable(written[0] ?? '') === HELP_WORD
  const typed = isHelpFirst ? [...written.slice(1, 3), ...written.slice(0, 1), ...written.slice(3)] : written
  // Names in dolly.yml are lower-case, and phones capitalise the first letter.
  const words = typed.map((word) => comparable(word))
  const [name = ''] = words
  const named = connections.get(name)
  if (!named && everything.has(name)) return { kind: 'refused', act: `use ${name}` }
  const candidates = named ? [named] : [...connections.values()]
  const [operationId, extra] = named ? words.slice(1) : words
  if (operationId === HELP_WORD) return { kind: 'help', connections: candidates }

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
    const instead = (known: readonly string[]) =>
      corrected(text, typed[named ? 1 : 0] ?? '', closest(operationId, known))
    if (named) {
      throw new UserError(
        `${named.name} has no operation "${brief(operationId)}".${didYouMean(operationId, operations)} It has ${operations.join(' and ')}.`,
        { instead: instead(operations) },
      )
    }
    const known = [...connections.keys(), ...operations, ...presets, ...COMMAND_WORDS]
    const near = didYouMean(operationId, known)
    throw new UserError(
      `There's no command, connection or operation "${brief(operationId)}".${near} Type /clone-app help to see all commands.`,
      { instead: instead(known) },
    )
  }
  if (extra === HELP_WORD) return { kind: 'help', connections: able, operation: operationId }
  if (extra !== undefined) throw extraWord(typed[named ? 2 : 1] ?? extra, operationOf(only.provider, operationId))
  if (!another) return form(only, operationId, values)
  // The connection that was meant takes these values.
  const fitting = able.filter((connection) => fits(connection, operationId, values))
  const [best = only, ...others] = fitting
  if (others.length === 0) return form(best, operationId, values)
  return { kind: 'choose', connections: fitting, operation: operationId, values }
}

/** The command with its wrong word replaced, or only the right word if the rest is long; undefined without one. */
function corrected(text: string, wrong: string, right: string | undefined): string | undefined {
  if (right === undefined) return undefined
  const pieces = unescapeSlack(text).trim().split(/\s+/)
  const at = pieces.indexOf(wrong)
  const whole = ['/clone-app', ...pieces.with(Math.max(at, 0), right)].join(' ')
  return at === -1 || whole.length > MAX_INSTEAD_LENGTH ? `/clone-app ${right}` : whole
}

/** In characters. */
const MAX_INSTEAD_LENGTH = 200

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
  const read = declared ? parseTypedValues(declared, operation, values, connection.expiry) : {}
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
