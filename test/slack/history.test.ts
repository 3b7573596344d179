import { WebAPIPlatformError } from '@slack/web-api'
import { expect, it } from 'vitest'
import { Budgets } from '../../src/slack/budgets.js'
import { History } from '../../src/slack/history.js'

const self = async () => ({ botId: 'B1', botUserId: 'U0' })

it('what the bot may not read is remembered of the latest thousand channels', async () => {
  let elapsed = 0
  const asked: string[] = []
  const history = async ({ channel }: { channel: string }) => {
    asked.push(channel)
    throw new WebAPIPlatformError({ ok: false, error: 'missing_scope' })
  }
  const past = new History({ history, replies: history }, new Budgets(() => elapsed), () => elapsed, self)
  const find = async (channel: string) => await past.find({ channel }, { job: 'k7f3q', event: 'root' }, 1_000)
  for (let channel = 1; channel <= 1_001; channel += 1) {
    expect(await find(`C${channel}`)).toBe('unknown')
    elapsed += 2_000
  }
  expect(await find('C1001')).toBe('unknown')
  expect(await find('C2')).toBe('unknown')
  expect(asked).toHaveLength(1_001)
  expect(await find('C1')).toBe('unknown')
  expect(asked).toHaveLength(1_002)
})

it('absence is believed some time after it was first seen, and of one attempt says nothing about the next', async () => {
  let elapsed = 0
  const nothing = async () => ({ messages: [] })
  const past = new History({ history: nothing, replies: nothing }, new Budgets(() => elapsed), () => elapsed, self)
  const find = async (at: number) => await past.find({ channel: 'C1' }, { job: 'k7f3q', event: 'root' }, at)
  await expect(find(1_000)).rejects.toMatchObject({ ms: 10_000, mayHaveHappened: false })
  elapsed += 9_000.5
  await expect(find(1_000)).rejects.toMatchObject({ ms: 1_000 })
  await expect(find(2_000)).rejects.toMatchObject({ ms: 10_000 })
  elapsed += 999.5
  expect(await find(1_000)).toBeNull()
})
