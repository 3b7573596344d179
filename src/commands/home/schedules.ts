/** Schedules on the Home tab: this person's own, a line each. `/clone-app schedules` has their buttons. */
import type { Asker } from '../../access/rules.js'
import { scheduleLine } from '../../slack/message/schedules.js'
import { listSchedules } from '../../store/schedules.js'
import { readerOf } from '../presets/access.js'
import type { Services } from '../services.js'
import type { HomeParts } from './model.js'

export async function homeSchedules({ db }: Services, asker: Asker): Promise<HomeParts['schedules']> {
  // What is a stranger's by id may be somebody else's: ids are those of a workspace.
  if (asker.membership === 'stranger') return []
  return (await listSchedules(db, readerOf(asker).ids)).map((schedule) => `• ${scheduleLine(schedule)}`)
}
