import { RespondError } from '@slack/bolt'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { answerPrivately } from '../../src/commands/answer.js'
import { silentLog } from '../helpers/context.js'

const taken = new Response()

/** Answers a command through a response URL that behaves like this, one word a try; the last one lasts. */
async function answer(...moods: ('ok' | 'reset' | 'hang' | number)[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const texts: unknown[] = []
  const log: string[] = []
  const keep = (kind: string) => () => void log.push(kind)
  const respond = async (message: unknown) => {
    const mood = moods[Math.min(texts.length, moods.length - 1)]
    texts.push(message)
    if (mood === 'ok') return taken
    if (mood === 'hang') return await new Promise<Response>(() => {})
    throw typeof mood === 'number' ? new RespondError('Failed to respond', mood) : new TypeError('fetch failed')
  }
  const services = { log: { ...silentLog, warn: keep('warn'), error: keep('error') } }
  let isOver = false
  const answering = answerPrivately(services, respond, 'Help', async () => {}).finally(() => {
    isOver = true
  })
  for (let second = 0; second < 20 && !isOver; second += 1) await vi.advanceTimersByTimeAsync(1_000)
  expect(isOver).toBe(true)
  await answering
  return { texts, log }
}

describe('the answer to a command', () => {
  afterEach(() => void vi.useRealTimers())

  it('is for that person alone, and leaves the message with the button as it is', async () => {
    const message = { response_type: 'ephemeral', replace_original: false, text: 'Help' }
    expect(await answer('ok')).toEqual({ texts: [message], log: [] })
  })

  it.each([500, 503, 429, 408, 'reset', 'hang'] as const)('is tried again when Slack takes none: %s', async (mood) => {
    expect((await answer(mood, 'ok')).texts).toHaveLength(2)
    expect((await answer(mood, mood, 'ok')).texts).toHaveLength(3)
  })

  it.each([500, 'reset', 'hang'] as const)(
    'is left to the log after three tries, and breaks nothing: %s',
    async (mood) => {
      const { texts, log } = await answer(mood)
      expect(texts).toHaveLength(3)
      expect(log).toEqual(['warn', 'warn', 'error'])
    },
  )

  it.each([400, 404, 410])('is not tried again where the address is good for nothing: %i', async (mood) => {
    expect(await answer(mood)).toMatchObject({ texts: [expect.anything()], log: ['error'] })
  })
})
