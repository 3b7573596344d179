/** Which presets a person finds, shares and deletes. */
import { type Asker, type Decision, decide, type Verb } from '../../access/rules.js'
import type { Preset } from '../../domain/preset.js'
import { operationOf } from '../../providers/provider.js'
import type { PresetReader } from '../../store/presets.js'
import { accessDenied, actOn } from '../authorize.js'
import type { Services } from '../services.js'

/** What a preset is for, in words. */
export type PresetTarget = Pick<Preset, 'connection' | 'operation' | 'source' | 'target'>

export function readerOf({ id, otherIds = [], channel }: Asker): PresetReader {
  return { ids: [id, ...otherIds], channel }
}

/** Whether a rule allows this verb for what a preset names. */
export function allows(services: Services, asker: Asker, preset: PresetTarget, what: Verb): boolean {
  return decisionOn(services, asker, preset, what).isAllowed
}

/** What the rules say to this verb, or to the operation itself, for what a preset names. */
export function decisionOn(services: Services, asker: Asker, preset: PresetTarget, what: string): Decision {
  return decide(services.access.rules, asker, actOn(services, preset, what))
}

/**
 * Opening and saving need access to the operation for some target; what is started is checked with its names.
 *
 * @throws UserError when they have none.
 */
export function assertCanStart(
  services: Services,
  asker: Asker,
  { connection, operation: what }: Pick<Preset, 'connection' | 'operation'>,
): void {
  const isAllowed = decide(services.access.rules, asker, { connection, what }).isAllowed
  if (!isAllowed) throw accessDenied(services, asker, `run ${what} on ${connection}`)
}

/** Whether it's still offered, and a rule lets this person start it for some target. */
export function canStart({ access, connections }: Services, asker: Asker, preset: PresetTarget): boolean {
  const { connection, operation: what } = preset
  const isOffered = operationOf(connections.get(connection)?.provider, what) !== undefined
  return isOffered && decide(access.rules, asker, { connection, what }).isAllowed
}

/** People can delete their own presets, and those they made for others. All others need the rule. */
export function canDelete(services: Services, asker: Asker, preset: Preset): boolean {
  const { ids } = readerOf(asker)
  const isTheirs = ids.includes(preset.scope === 'person' ? preset.owner : preset.createdBy)
  return isTheirs || (preset.scope !== 'person' && allows(services, asker, preset, 'preset'))
}
