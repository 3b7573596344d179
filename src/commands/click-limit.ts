/** A bound for everything that people click in messages and on the Home tab. Modals have their own. */
import type { App, BlockAction } from '@slack/bolt'
import { answerClick } from './answer.js'
import type { Services } from './services.js'
import { allowances, Throttle, tooManyRequests } from './throttle.js'

/** All clicks of one person together, before anything looks at them. Of many that are too many, one is answered. */
export function registerClickLimit(app: App, services: Services): void {
  const throttle = new Throttle(allowances.click)
  const notices = new Throttle(allowances.notice)
  app.use(async (args) => {
    const { body, client, next } = args
    if (!isClick(body) || body.view?.type === 'modal') return await next()
    const { waitMs } = throttle.take(body.user.id, services.elapsed())
    if (waitMs === 0) return await next()
    if ('ack' in args && args.ack) await args.ack()
    if (notices.take(body.user.id, services.elapsed()).waitMs > 0) return
    if ('respond' in args && args.respond)
      await answerClick(services, { body, client, respond: args.respond }, tooManyRequests(waitMs, 'click again'))
  })
}

function isClick(body: object): body is BlockAction {
  return 'type' in body && body.type === 'block_actions'
}
