/** What a person and a channel prefer, as it applies to a form or a job. */
import type { Asker } from '../../access/rules.js'
import {
  ChannelChoices,
  type ChannelSettings,
  PersonChoices,
  type PersonSettings,
  type Place,
  type Tell,
} from '../../slack/form/settings.js'
import type { FormState } from '../../slack/form/state.js'
import { readHome } from '../../store/homes.js'
import type { Database } from '../../store/schema.js'
import { readSetting } from '../../store/settings.js'
import { saveOpeningChannel } from '../authorize.js'
import type { Services } from '../services.js'

/** The person's own choice comes first, then the channel's, then what Dolly has always done. */
export interface Preferences {
  tell: Tell
  place: Place
  /** Of the channel. */
  connection: string | undefined
}

/** @param channel where the person is; null or empty if unknown. */
export async function readPreferences(db: Database, person: string, channel: string | null): Promise<Preferences> {
  const own = await readPersonSettings(db, person)
  const shared = await readChannelSettings(db, channel)
  return {
    tell: own.tell ?? shared.tell ?? 'failure',
    place: own.place ?? 'here',
    connection: shared.connection,
  }
}

/** Only what this person chose. */
export async function readPersonSettings(db: Database, person: string): Promise<PersonSettings> {
  return PersonChoices.catch({}).parse(await readSetting(db, { scope: 'person', id: person }))
}

export async function readChannelSettings(db: Database, channel: string | null): Promise<ChannelSettings> {
  if (!channel) return {}
  return ChannelChoices.catch({}).parse(await readSetting(db, { scope: 'channel', id: channel }))
}

/** Whether a job of this person mentions them when it fails. Whether it does when it succeeds, the form asks. */
export async function mentionsOnFailure(db: Database, person: string, channel: string | null): Promise<boolean> {
  return mentions((await readPreferences(db, person, channel)).tell).onFailure
}

/** When a person is mentioned. */
export function mentions(tell: Tell): { onFailure: boolean; onSuccess: boolean } {
  return { onFailure: tell === 'failure' || tell === 'both', onSuccess: tell === 'success' || tell === 'both' }
}

/** What every form carries of where it was opened, and how it begins for this person. */
export async function openingState(
  services: Services,
  asker: Asker,
  channel: string,
): Promise<Pick<FormState, 'channel' | 'opening' | 'choosableChannels' | 'tell' | 'place'>> {
  const { db, people } = services
  const { tell, place } = await readPreferences(db, asker.id, channel)
  const { choosableChannels } = people
  // A list of conversations begins with one by its id, which only the Home tab tells of direct messages.
  const direct = place === 'mine' && choosableChannels !== 'none' ? (await readHome(db, asker.id))?.channel : null
  const opening = await saveOpeningChannel(services, asker.id, channel)
  return { channel: direct ?? channel, opening, choosableChannels, tell, place }
}
