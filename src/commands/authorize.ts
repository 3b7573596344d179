/** The rules applied to a request: who asks, from where, and what they may do. Every handler comes by here first. */
import { z } from 'zod'
import { type Asker, createDecider, decide, dependsOnNames, UNKNOWN_PART } from '../access/rules.js'
import { UserError } from '../errors.js'
import { type Connection, type Named, type Operation, type Option, UNKNOWN_PLACE } from '../providers/provider.js'
import { type Field, fieldsOf } from '../slack/form/fields.js'
import type { FormState } from '../slack/form/state.js'
import { readDraft, saveDraft } from '../store/drafts.js'
import { type Services, type Target, within } from './services.js'

/** The people and places that a request of Slack names beside its content. */
export interface Origin {
  user: { id: string; team_id?: string }
  team: { id: string } | null
  channel?: { id: string } | undefined
}

/** How long Slack may take to say who somebody is, in milliseconds: where an answer is due in three seconds, and where not. */
const BEFORE_ACK_TIMEOUT_MS = 800
export const AFTER_ACK_TIMEOUT_MS = 2_500

/**
 * Who asks. Only what Slack's signature vouches for counts: user, workspace and channel of the request itself, never what
 * a modal or a button carries.
 *
 * @throws UserError when Slack cannot say; the log has the reason.
 */
export async function identifyAsker(
  services: Services,
  { user, team, channel }: Origin,
  patienceMs = BEFORE_ACK_TIMEOUT_MS,
): Promise<Asker> {
  const request = { team: team?.id, userTeam: user.team_id }
  const person = await within(patienceMs, services.people.get(user.id, request)).catch((error: unknown) => {
    services.log.error({ err: error, user: user.id }, 'Slack did not say who somebody is')
    return undefined
  })
  if (person) return { ...person, channel: channel?.id ?? null }
  throw new UserError('Dolly could not ask Slack who you are, so nothing was done. Please try again in a moment.')
}

/**
 * Who sends something out of a modal, in the channel where it was opened.
 *
 * @throws UserError when they may not do this for any target, or Slack cannot say who they are.
 */
export async function identifyFormUser(
  services: Services,
  { user, team }: Origin,
  form: Pick<FormState, 'connection' | 'operation' | 'opening'>,
): Promise<Asker> {
  const channel = await readOpeningChannel(services, user.id, form.opening)
  const asker = await identifyAsker(services, { user, team, channel: channel === null ? undefined : { id: channel } })
  const { connection, operation } = form
  const mayAnywhere = decide(services.access.rules, asker, { connection, what: operation }).isAllowed
  if (!mayAnywhere) throw refused(services, asker, `${operation} on ${connection}`)
  return asker
}

/** The error that says what may not be done and whom to ask; the log has who tried. */
export function refused({ access, log }: Services, asker: Asker, act: string): UserError {
  log.info(
    { user: asker.id, membership: asker.membership, channel: asker.channel, act },
    'refused by the rules of access',
  )
  return new UserError(`You may not ${act}. Ask ${access.owner} if you should.`)
}

/** The connections with no other operations than this person may start, somewhere at least. */
export function allowedConnections({ access, connections }: Services, asker: Asker): Map<string, Connection> {
  return new Map(
    [...connections].flatMap(([name, connection]) => {
      const operations = Object.entries(connection.provider.operations).filter(
        ([id]) => decide(access.rules, asker, { connection: name, what: id }).isAllowed,
      )
      const provider = { ...connection.provider, operations: Object.fromEntries(operations) }
      return operations.length === 0 ? [] : [[name, { ...connection, provider }] as const]
    }),
  )
}

/**
 * The human name of what is copied, for rules: null where the operation says the same of its source whatever is answered,
 * for then nobody knows which one it is, and where nobody knows its place, for that may be one that a rule protects.
 */
export function sourceOf(operation: Operation, named: Named): string | null {
  return knownSource(operation, operation.summary(named).from)
}

/** The same of a name that was kept. */
export function knownSource(operation: Operation | undefined, source: string): string | null {
  return source === operation?.summary({}).from || source.includes(UNKNOWN_PLACE) ? null : source
}

/**
 * The entries of a list with which there may be a source and a target that this person may copy from and write to. What
 * else is in their names is not known yet, because Slack does not tell a list the other answers: each may be anything, or
 * missing where it may be.
 */
export function allowedOptions(
  { access }: Services,
  asker: Asker,
  { connection, operation, operationId: what }: Target,
  { key, kind }: Field,
  options: readonly Option[],
): readonly Option[] {
  if (kind !== 'picker' || !dependsOnNames(access.rules, asker, connection.name)) return options
  const others = fieldsOf(operation).filter((other) => other.key !== key)
  // A name that was typed has no place.
  const parts = [
    ['', '.from', '.place'],
    ['', '.from'],
  ]
  const gaps = [others, others.filter(({ required }) => required)].flatMap((some) =>
    parts.map((ends) =>
      Object.fromEntries(some.flatMap((other) => ends.map((end) => [`${other.key}${end}`, UNKNOWN_PART]))),
    ),
  )
  const decideOn = createDecider(access.rules, asker, connection.name)
  return options.filter(({ label, from, place }) =>
    gaps.some((named) => {
      const words = {
        ...named,
        [key]: label,
        ...(from !== undefined && { [`${key}.from`]: from }),
        ...(place !== undefined && { [`${key}.place`]: place }),
      }
      const { from: partialSource, to: partialTarget } = operation.summary(words)
      const isKnowable = sourceOf(operation, words) !== null
      const act = { partialTarget, ...(isKnowable ? { partialSource } : { source: null }) }
      return decideOn({ what, ...act }).isAllowed
    }),
  )
}

/**
 * Whether what a field's list depends on is among the entries that this person may choose. Asks for the lists of those
 * fields, and only where a rule looks at names; one that cannot be read allows nothing.
 */
export async function isAllowedParent(
  services: Services,
  asker: Asker,
  target: Target,
  { dependsOn }: Field,
  state: Pick<FormState, 'values'>,
): Promise<boolean> {
  const { connection, operation } = target
  if (!dependsOnNames(services.access.rules, asker, connection.name)) return true
  const parents = fieldsOf(operation).filter(({ key, picker }) => picker && dependsOn.includes(key))
  const answers = parents.map(async (parent) => {
    const list = await services.lists.get(connection, parent, state)
    const mine = 'options' in list ? allowedOptions(services, asker, target, parent, list.options) : []
    return mine.some(({ value }) => value === state.values[parent.key])
  })
  return !(await Promise.all(answers)).includes(false)
}

const Opening = z.object({ askedIn: z.string() })

/**
 * Notes where a modal is opened. A submission does not tell the channel it began in, and what the modal carries passes
 * through the person's client: so the modal carries only the key, and the row answers to nobody but this person. Another
 * key of their own is a place where they did type the command, less than an hour ago.
 */
export async function saveOpeningChannel(services: Services, user: string, channel: string): Promise<string> {
  return await saveDraft(services.db, 'opening', user, { askedIn: channel }, services.now())
}

/** The channel behind a modal's key; null when it is nobody's or somebody else's, and then no rule for a channel fits. */
async function readOpeningChannel(services: Services, user: string, opening: string): Promise<string | null> {
  const note = await readDraft(services.db, 'opening', opening, user, services.now())
  return Opening.safeParse(note?.answers).data?.askedIn ?? null
}
