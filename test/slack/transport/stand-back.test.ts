/** What follows an acknowledgement waits until the requests that came with it are acknowledged, too. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { testBoltApp } from '../../helpers/bolt-app.js'

it('acknowledges a command that has arrived before it goes on with an earlier one', async () => {
  const app = testBoltApp()
  const order: string[] = []
  // A request takes some turns of the event loop until it is acknowledged.
  app.use(async ({ next }) => {
    await nextTurn()
    await next()
  })
  app.command('/clone-app', async ({ ack, body }) => {
    await ack()
    order.push(`goes on with ${body.text}`)
  })
  const send = async (text: string, acknowledged: () => void = () => {}) =>
    await app.processEvent({
      body: { command: '/clone-app', text, team_id: 'T1', user_id: 'U1', channel_id: 'C1' },
      ack: async () => {
        order.push(`acknowledges ${text}`)
        acknowledged()
      },
    })
  let second: Promise<void> | undefined
  await send('one', () => {
    second = send('two')
  })
  await second
  expect(order).toEqual(['acknowledges one', 'acknowledges two', 'goes on with one', 'goes on with two'])
})
