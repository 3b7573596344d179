import { WebAPIHTTPError, WebAPIPlatformError } from '@slack/web-api'
import { describe, expect, it } from 'vitest'
import { InMemoryRateLimiter } from '../../../src/lib/rate-limiter.js'
import { RetryLaterError } from '../../../src/slack/api/errors.js'
import { createRateLimits } from '../../../src/slack/api/rate-limits.js'
import { type BotIdentity, MessageLookup } from '../../../src/slack/delivery/lookup.js'
import { silentLog } from '../../helpers/context.js'

const self = async () => ({ botId: 'B1', botUserId: 'U0' })

it('what the bot may not read is remembered of the latest thousand channels', async () => {
  let elapsed = 0
  const asked: string[] = []
  const history = async ({ channel }: { channel: string }) => {
    asked.push(channel)
    throw new WebAPIPlatformError({ ok: false, error: 'missing_scope' })
  }
  const past = new MessageLookup(
    { history, replies: history },
    createRateLimits(new InMemoryRateLimiter(() => elapsed), silentLog),
    () => elapsed,
    self,
  )
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
  const past = new MessageLookup(
    { history: nothing, replies: nothing },
    createRateLimits(new InMemoryRateLimiter(() => elapsed), silentLog),
    () => elapsed,
    self,
  )
  const find = async (at: number) => await past.find({ channel: 'C1' }, { job: 'k7f3q', event: 'root' }, at)
  await expect(find(1_000)).rejects.toMatchObject({ ms: 10_000, mayHaveHappened: false })
  elapsed += 9_000.5
  await expect(find(1_000)).rejects.toMatchObject({ ms: 1_000 })
  await expect(find(2_000)).rejects.toMatchObject({ ms: 10_000 })
  elapsed += 999.5
  expect(await find(1_000)).toBeNull()
})

describe('a message with our metadata', () => {
  const key = { job: 'k7f3q', event: 3 }
  const metadata = { event_type: 'dolly_job', event_payload: { ...key } }
  const ours = { ts: '2.0', bot_id: 'B1', user: 'U0', metadata }

  async function findAmong(messages: object[], known: () => Promise<BotIdentity> = self) {
    const replies = async () => ({ messages })
    let elapsed = 0
    const past = new MessageLookup(
      { history: replies, replies },
      createRateLimits(new InMemoryRateLimiter(() => elapsed), silentLog),
      () => elapsed,
      known,
    )
    const find = async () => await past.find({ channel: 'C1', ts: '1.0' }, key, 1_000)
    const found = await find().catch((error: unknown) => error)
    if (!(found instanceof RetryLaterError) || found.mayHaveHappened) return found
    elapsed += 10_001
    return await find()
  }

  it.each([
    ['another app', { bot_id: 'B9', app_id: 'A9', user: 'U9' }],
    ['another app that is called like ours', { bot_id: 'B9', user: 'U9', username: 'dolly' }],
    ['a person', { user: 'U1' }],
    ['a person, by an app of theirs', { bot_id: 'B9', user: 'U1' }],
    ['nobody', {}],
  ])('is none of ours when it was posted by %s', async (_, poster) => {
    const theirs = { ts: '1.5', metadata, ...poster }
    expect(await findAmong([theirs])).toBeNull()
    expect(await findAmong([theirs, ours])).toBe('2.0')
  })

  it.each([{ bot_id: 'B1' }, { user: 'U0' }, { bot_id: 'B1', user: 'U0' }])(
    'is ours when our own bot posted it: %o',
    async (poster) => {
      expect(await findAmong([{ ts: '2.0', metadata, ...poster }])).toBe('2.0')
    },
  )

  it('is neither while nobody knows who the bot is', async () => {
    expect(await findAmong([ours], async () => ({}))).toBe('unknown')
    const away = new WebAPIHTTPError(503, 'Service Unavailable', {})
    expect(await findAmong([ours], async () => await Promise.reject(away))).toBeInstanceOf(RetryLaterError)
  })
})
