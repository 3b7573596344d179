/** What follows an acknowledgement waits until the requests that came with it are acknowledged, too. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { BoltApp } from '../../../src/slack/transport/bolt-app.js'
import { testBoltApp } from '../../helpers/bolt-app.js'

/** A request takes some turns of the event loop until it is acknowledged. */
function recording(app: BoltApp, goesOn: () => void = () => {}) {
  const order: string[] = []
  app.use(async ({ next }) => {
    await nextTurn()
    await next()
  })
  app.command('/clone-app', async ({ ack, body }) => {
    await ack()
    order.push(`goes on with ${body.text}`)
    goesOn()
  })
  const send = async (text: string, acknowledged: () => void = () => {}) =>
    await app.processEvent({
      body: { command: '/clone-app', text, team_id: 'T1', user_id: 'U1', channel_id: 'C1' },
      ack: async () => {
        order.push(`acknowledges ${text}`)
        acknowledged()
      },
    })
  return { order, send }
}

async function orderOfTwo(app: BoltApp): Promise<string[]> {
  const { order, send } = recording(app)
  let second: Promise<void> | undefined
  await send('one', () => {
    second = send('two')
  })
  await second
  return order
}

const inTurn = ['acknowledges one', 'acknowledges two', 'goes on with one', 'goes on with two']

it('acknowledges a command that has arrived before it goes on with an earlier one', async () => {
  expect(await orderOfTwo(testBoltApp())).toEqual(inTurn)
})

it('still does so after a handler that acknowledged its request only when it had ended', async () => {
  const app = testBoltApp()
  let acknowledgeLate = async () => {}
  app.shortcut('late', async ({ ack }) => {
    acknowledgeLate = ack
  })
  const body = { type: 'shortcut', callback_id: 'late', team: { id: 'T1' }, user: { id: 'U1', team_id: 'T1' } }
  await app.processEvent({ body, ack: async () => {} })
  await acknowledgeLate()
  expect(await orderOfTwo(app)).toEqual(inTurn)
})

it('goes on at once while an earlier request waits for its provider', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const app = testBoltApp()
  let answerList = () => {}
  const list = new Promise<void>((resolve) => {
    answerList = resolve
  })
  const order: string[] = []
  app.options('image', async ({ ack }) => {
    await list
    await ack({ options: [] })
    order.push('list')
  })
  app.command('/clone-app', async ({ ack }) => {
    await ack()
    order.push('command')
  })
  const about = { team: { id: 'T1' }, user: { id: 'U1', team_id: 'T1' } }
  const ack = async () => {}
  const typed = app.processEvent({ body: { type: 'block_suggestion', action_id: 'image', ...about }, ack })
  // Far longer than to reach its acknowledgement takes, if all it needs is this process.
  vi.advanceTimersByTime(100)
  await app.processEvent({ body: { command: '/clone-app', text: '', team_id: 'T1', user_id: 'U1' }, ack })
  answerList()
  await typed
  expect(order).toEqual(['command', 'list'])
})

it('goes on with one command in each turn of the event loop, so that others can arrive in between', async () => {
  let turn = 0
  const count = () => {
    turn += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const turns: number[] = []
  const { order, send } = recording(testBoltApp(), () => turns.push(turn))
  await Promise.all([send('one'), send('two'), send('three')])
  clearImmediate(counting)
  expect(order.slice(3)).toEqual(['goes on with one', 'goes on with two', 'goes on with three'])
  expect(new Set(turns).size).toBe(3)
})
