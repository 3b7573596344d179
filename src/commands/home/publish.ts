/** Puts what is true now into a person's Home tab. */
import type { Asker } from '../../access/rules.js'
import { ChannelClosedError, RetryLaterError, SlackRefusalError } from '../../slack/api/errors.js'
import { homeView } from '../../slack/message/home.js'
import { noteHomeShown, readHome } from '../../store/homes.js'
import type { Services } from '../services.js'
import { type HomeParts, readHomeModel } from './model.js'

/** What other features show there: only what this person may open. */
export type ReadParts = (services: Services, asker: Asker) => Promise<HomeParts>

/** After somebody else was faster twice in a row, in milliseconds. */
const CONFLICT_WAIT_MS = 5_000

/**
 * Publishes with the hash of the view that is there. If another view came in between, everything is read again, since that one
 * may show more, and published once more.
 *
 * @returns after how many milliseconds to try again; 0 if it's shown, or if Slack will never take it.
 */
export async function publishHome(services: Services, asker: Asker, readParts: ReadParts): Promise<number> {
  const { db, log } = services
  let expected: string | null | undefined
  for (let tries = 0; tries < 2; tries += 1) {
    const home = await readHome(db, asker.id)
    if (!home) return 0
    // The same hash would be refused again: what is there was published without being noted, and is no newer.
    const hash = home.hash === expected ? null : home.hash
    expected = home.hash
    const view = homeView(await readHomeModel(services, asker, await readParts(services, asker)))
    try {
      const shown = await services.showHome(asker.id, view, hash)
      if (shown === 'conflict') continue
      await noteHomeShown(db, asker.id, { changes: home.changes, hash: shown.hash }, services.now())
      return 0
    } catch (error) {
      if (error instanceof RetryLaterError) return error.ms
      if (!(error instanceof SlackRefusalError || error instanceof ChannelClosedError)) throw error
      log.error({ person: asker.id, err: error }, 'Slack refuses a Home tab; the next change tries again')
      await noteHomeShown(db, asker.id, { changes: home.changes, hash: null }, services.now())
      return 0
    }
  }
  return CONFLICT_WAIT_MS
}
