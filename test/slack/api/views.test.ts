import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import { describe, expect, it } from 'vitest'
import { updateView } from '../../../src/slack/api/views.js'

const view = { type: 'modal', title: { type: 'plain_text', text: 'Clone' }, blocks: [] } as const
const refused = (error: string) => new WebAPIPlatformError({ ok: false, error })
const unnamed = new Error('Retry header did not contain a valid timeout (url: x, retry-after header: null)')

/** Redraws a view for which Slack has these answers, one after the other; `took` tells how long each try lasts. */
async function redraw(answers: readonly Error[], edit: { hash?: string; retryHash?: string } = {}, tookMs = 0) {
  let now = 0
  const pauses: number[] = []
  const hashes: (string | undefined)[] = []
  const update = async ({ hash }: { hash?: string }) => {
    now += tookMs
    const answer = answers[hashes.length]
    hashes.push(hash)
    if (answer) throw answer
    return { view: { hash: 'new' } }
  }
  const sleep = async (ms: number) => {
    pauses.push(ms)
    now += ms
  }
  const result = await updateView(
    { views: { update } },
    { id: 'V1', view: { ...view, blocks: [] }, ...edit },
    {
      elapsed: () => now,
      sleep,
    },
  ).catch((error: unknown) => error)
  return { result, pauses, hashes }
}

describe('the redrawing of a modal', () => {
  it.each([
    ['a 503', new WebAPIHTTPError(503, 'Service Unavailable', {}), 500],
    ['a lost answer', new WebAPIRequestError(new Error('reset')), 500],
    ['a word that passes', refused('internal_error'), 500],
    ['a rate limit', new WebAPIRateLimitedError(2), 2_000],
  ])('is tried again after %s', async (_, error, pauseMs) => {
    expect(await redraw([error])).toMatchObject({ result: 'new', pauses: [pauseMs] })
    expect(await redraw([error, error])).toMatchObject({ result: 'new', hashes: [undefined, undefined, undefined] })
  })

  it('is given up after three tries', async () => {
    const error = new WebAPIHTTPError(503, 'Service Unavailable', {})
    expect(await redraw([error, error, error])).toMatchObject({ result: error, pauses: [500, 1_000] })
  })

  it.each([
    ['Slack wants to be left alone for longer', new WebAPIRateLimitedError(1_000_000_000)],
    ['Slack names no time', unnamed],
  ])('is given up at once when %s than a person waits', async (_, error) => {
    expect(await redraw([error])).toEqual({ result: error, pauses: [], hashes: [undefined] })
  })

  it('is given up when its first try took as long as a person waits', async () => {
    const error = new WebAPIRequestError(new Error('timeout'))
    expect((await redraw([error], {}, 10_000)).hashes).toHaveLength(1)
  })

  it.each(['hash_conflict', 'not_found', 'view_closed', 'invalid_auth'])(
    'is not tried again after %s',
    async (word) => {
      const error = refused(word)
      expect(await redraw([error])).toEqual({ result: error, pauses: [], hashes: [undefined] })
    },
  )

  it('wins over nothing that was chosen after its first try', async () => {
    const away = new WebAPIHTTPError(503, 'Service Unavailable', {})
    expect((await redraw([away], { retryHash: 'h1' })).hashes).toEqual([undefined, 'h1'])
    expect((await redraw([away], { hash: 'h1' })).hashes).toEqual(['h1', 'h1'])
  })
})
