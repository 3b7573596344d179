/** Which presets a person finds, and the one that they name. */
import type { Asker } from '../../access/rules.js'
import { type Preset, presetName } from '../../domain/preset.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { brief } from '../../slack/text.js'
import { listPresets } from '../../store/presets.js'
import type { Services } from '../services.js'
import { canDelete, canStart, readerOf } from './access.js'

/**
 * The presets that this person finds here: their own first, then the channel's, then everyone's. Of what others share, only
 * what a rule lets them start or delete: names and targets are nobody else's to read.
 */
export async function presetsFor(services: Services, asker: Asker): Promise<Preset[]> {
  // What is a stranger's by id may be somebody else's: ids are those of a workspace.
  if (asker.membership === 'stranger') return []
  const presets = await listPresets(services.db, readerOf(asker))
  return presets.filter((preset) => canStart(services, asker, preset) || canDelete(services, asker, preset))
}

/**
 * @param commandWith what to type with the right name.
 * @throws UserError when this person finds none of that name here, with the nearest that they do find.
 */
export async function findNamedPreset(
  services: Services,
  asker: Asker,
  typed: string,
  commandWith: (name: string) => string,
): Promise<Preset> {
  const presets = await presetsFor(services, asker)
  const preset = presets.find(({ name }) => name === presetName(typed))
  if (preset) return preset
  const near = closest(
    typed,
    presets.map(({ name }) => name),
  )
  const advice = near === undefined ? 'Presets here:' : 'Did you mean:'
  const instead = near === undefined ? '/clone-app presets' : commandWith(near)
  throw new UserError(`There's no preset "${brief(typed)}". ${advice}`, { instead })
}
