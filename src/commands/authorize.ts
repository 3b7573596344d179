/** Access control for every handler: who asks, from where, and what the rules let them do. */
import { z } from 'zod'
import { type Act, type Asker, createDecider, decide, dependsOnNames, UNKNOWN_PART } from '../access/rules.js'
import type { Job } from '../domain/job.js'
import { UserError } from '../errors.js'
import { within } from '../lib/within.js'
import {
  type Connection,
  type Named,
  type Operation,
  type Option,
  operationOf,
  UNKNOWN_PLACE,
} from '../providers/provider.js'
import { type Field, fieldsOf } from '../slack/form/fields.js'
import { FormState } from '../slack/form/state.js'
import { readDraft, saveDraft } from '../store/drafts.js'
import { findTarget, readFormState, type Services, type Target } from './services.js'

/** Who sent a request of Slack, and from where. */
export interface Origin {
  user: { id: string; team_id?: string }
  team: { id: string } | null
  channel?: { id: string } | undefined
}

/** For looking up a person at Slack while the request still needs its answer within three seconds. */
const BEFORE_ACK_TIMEOUT_MS = 800
/** For looking up a person at Slack after the request was acknowledged. */
export const AFTER_ACK_TIMEOUT_MS = 2_500

/**
 * Who asks. Only what Slack signed counts: user, workspace and channel of the request itself, never what a modal or a
 * button carries.
 *
 * @throws UserError when Slack can't say; the log has the reason.
 */
export async function identifyAsker(
  services: Services,
  { user, team, channel }: Origin,
  timeoutMs = BEFORE_ACK_TIMEOUT_MS,
): Promise<Asker> {
  const teams = { team: team?.id, userTeam: user.team_id }
  const person = await within(timeoutMs, services.people.get(user.id, teams)).catch((error: unknown) => {
    services.log.error({ err: error, user: user.id }, 'could not look up a person at Slack')
    return undefined
  })
  if (person) return { ...person, channel: channel?.id ?? null }
  throw new UserError("I couldn't ask Slack who you are, so I did nothing. Try again in a moment.")
}

/**
 * Who uses a modal, in the channel where it was opened.
 *
 * @throws UserError when they can't do this for any target, or Slack can't say who they are.
 */
export async function identifyFormUser(
  services: Services,
  { user, team }: Origin,
  form: Pick<FormState, 'connection' | 'operation' | 'opening'>,
): Promise<Asker> {
  const channel = await readOpeningChannel(services, user.id, form.opening)
  const asker = await identifyAsker(services, { user, team, channel: channel === null ? undefined : { id: channel } })
  const { connection, operation } = form
  const isAllowedSomewhere = decide(services.access.rules, asker, { connection, what: operation }).isAllowed
  if (!isAllowedSomewhere) throw accessDenied(services, asker, `run ${operation} on ${connection}`)
  return asker
}

/**
 * An open form: its state, who uses it, and what it is for.
 *
 * @throws UserError when the form can't be read, is not theirs to use, or names what no longer exists.
 */
export async function readForm(services: Services, view: { private_metadata: string }, origin: Origin) {
  const state = readFormState(FormState, view)
  const asker = await identifyFormUser(services, origin, state)
  return { state, asker, target: findTarget(services, state.connection, state.operation) }
}

/** The error for a person who can't do something, with whom to ask. `act` continues "You can't …". Logs who tried. */
export function accessDenied({ access, log }: Services, asker: Asker, act: string): UserError {
  log.info({ user: asker.id, membership: asker.membership, channel: asker.channel, act }, 'denied by the access rules')
  return new UserError(`You can't ${act}. Ask ${access.owner} for access.`)
}

/** The connections, each with only the operations that this person can start for at least some target. */
export function allowedConnections(
  { access, connections }: Pick<Services, 'access' | 'connections'>,
  asker: Asker,
): Map<string, Connection> {
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
 * The human name of what is copied, for rules. Null if nobody can tell which one it is: the operation names its source in
 * the same words whatever is answered, or the source's place is unknown and may be one that a rule protects.
 */
export function sourceOf(operation: Operation, named: Named): string | null {
  return knownSource(operation, operation.summary(named).from)
}

/** The same for a stored name. */
export function knownSource(operation: Operation | undefined, source: string): string | null {
  return source === operation?.summary({}).from || source.includes(UNKNOWN_PLACE) ? null : source
}

/** What someone does about a job or a preset, whose names are stored, as rules look at it. */
export function actOn(
  { connections }: Pick<Services, 'connections'>,
  { connection, operation, source, target }: Pick<Job, 'connection' | 'operation' | 'source' | 'target'>,
  what: string,
): Act {
  const declared = operationOf(connections.get(connection)?.provider, operation)
  return { connection, what, target, source: knownSource(declared, source) }
}

/**
 * The entries of a list that can lead to a source and a target that this person has access to. The other answers in those
 * names are unknown, because Slack doesn't send them along with a list: each may be anything, or missing if it is optional.
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
  const otherAnswers = [others, others.filter(({ required }) => required)].flatMap((some) =>
    parts.map((ends) =>
      Object.fromEntries(some.flatMap((other) => ends.map((end) => [`${other.key}${end}`, UNKNOWN_PART]))),
    ),
  )
  const decideOn = createDecider(access.rules, asker, connection.name)
  return options.filter(({ label, from, place }) =>
    otherAnswers.some((named) => {
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
 * Whether everything that a field's list depends on is an entry that this person can choose. Reads the lists of those
 * fields, but only if a rule looks at names; a list that can't be read allows nothing.
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
 * Stores where a modal is opened, and returns the key that the modal carries. A submission doesn't say in which channel it
 * began, and the modal's state passes through the person's client. The key works only for this person, so a different key
 * of theirs still is a channel where they typed the command within the last hour.
 */
export async function saveOpeningChannel(services: Services, user: string, channel: string): Promise<string> {
  return await saveDraft(services.db, 'opening', user, { askedIn: channel }, services.now())
}

/** The channel behind a modal's key; null if the key is unknown or somebody else's, and then no rule for a channel fits. */
export async function readOpeningChannel(services: Services, user: string, opening: string): Promise<string | null> {
  const note = await readDraft(services.db, 'opening', opening, user, services.now())
  // Empty where it was opened in no channel.
  return Opening.safeParse(note?.answers).data?.askedIn || null
}
