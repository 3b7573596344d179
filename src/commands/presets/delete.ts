/** Deletes a preset, by command or by button. */
import type { Asker } from '../../access/rules.js'
import type { Preset } from '../../domain/preset.js'
import { mrkdwn } from '../../slack/text.js'
import { deletePreset } from '../../store/presets.js'
import { accessDenied } from '../authorize.js'
import type { Services } from '../services.js'
import { canDelete } from './access.js'

/** @returns what the person reads. @throws UserError when they can't. */
export async function removePreset(services: Services, asker: Asker, preset: Preset): Promise<string> {
  if (!canDelete(services, asker, preset)) throw accessDenied(services, asker, `delete the preset ${preset.name}`)
  const by = { actor: asker.id, channel: asker.channel }
  const wasThere = await deletePreset(services.db, preset, by, services.now())
  services.log.info({ preset: preset.name, scope: preset.scope, user: asker.id }, 'a preset was deleted')
  const name = mrkdwn(preset.name)
  return wasThere
    ? `Deleted the preset "${name}". Nothing that was cloned is deleted.`
    : `The preset "${name}" is already gone.`
}
