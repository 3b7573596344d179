/** The Home tab: published when it is opened, and its buttons. */
import type { App, BlockAction, ButtonAction } from '@slack/bolt'
import type { Asker } from '../../access/rules.js'
import { DatabaseError } from '../../errors.js'
import { homeActions, unreadableHome } from '../../slack/message/home.js'
import { noteHomeOpened, postponeHome, readHome } from '../../store/homes.js'
import { answerClick, errorText } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import { openFromCommand } from '../clone/command.js'
import type { Services } from '../services.js'

/** @param publish brings the tab of somebody up to date; answers as `publishHome`. */
export function registerHome(app: App, services: Services, publish: (asker: Asker) => Promise<number>): void {
  app.event('app_home_opened', async ({ event, body, client }) => {
    if (event.tab !== 'home') return
    const { db, log } = services
    try {
      const origin = { user: { id: event.user }, team: { id: body.team_id } }
      const asker = await identifyAsker(services, origin, AFTER_ACK_TIMEOUT_MS)
      await noteHomeOpened(db, asker.id, event.channel ?? null, services.now())
      const waitMs = await publish(asker)
      if (waitMs > 0) await postponeHome(db, asker.id, waitMs, services.now())
    } catch (error) {
      log.warn({ err: error, person: event.user }, 'a Home tab could not be opened')
      // After any other error the tab stays as it was. Not with showHome, whose rate limiter may need the database too.
      if (error instanceof DatabaseError)
        await client.views
          .publish({ user_id: event.user, view: unreadableHome })
          .catch((failure: unknown) => log.warn({ err: failure }, 'a Home tab could not be replaced'))
    }
  })

  app.action<BlockAction<ButtonAction>>(
    { type: 'block_actions', action_id: homeActions.clone },
    async ({ ack, body, client, respond }) => {
      await ack()
      try {
        const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
        // The tab is part of the person's direct messages with Dolly, so that is where the form was opened.
        const channel = (await readHome(services.db, asker.id))?.channel ?? ''
        const request = {
          services,
          client,
          asker,
          text: '',
          words: [],
          values: {},
          triggerId: body.trigger_id,
          channel,
        }
        await openFromCommand(request)
      } catch (error) {
        await answerClick(services, { body, client, respond }, errorText(services, error))
      }
    },
  )
}
