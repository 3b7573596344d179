/** Finds the preset that someone names. */
import type { Asker } from '../../access/rules.js'
import { type Preset, presetName } from '../../domain/preset.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { brief } from '../../slack/text.js'
import { listPresets } from '../../store/presets.js'
import type { Services } from '../services.js'
import { readerOf } from './access.js'

/**
 * @param commandWith what to type with the right name.
 * @throws UserError when this person finds none of that name here, with the nearest that they do find.
 */
export async function findNamedPreset(
  { db }: Services,
  asker: Asker,
  typed: string,
  commandWith: (name: string) => string,
): Promise<Preset> {
  const presets = await listPresets(db, readerOf(asker))
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
