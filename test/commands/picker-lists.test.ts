import { afterEach, describe, expect, it, vi } from 'vitest'
import { PickerLists } from '../../src/commands/picker-lists.js'
import { ConnectionError, TemporaryError, UnreadableListError, UserError } from '../../src/errors.js'
import type { Connection, Picker } from '../../src/providers/provider.js'
import { silentLog } from '../helpers/context.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'
import { fieldOf } from '../helpers/field.js'

const field = fieldOf('snapshot', { dependsOn: ['container'] })

function connectionWith(snapshots: Picker): Connection {
  const connection = dummyConnection(dummyWorld())
  return { ...connection, provider: { ...connection.provider, pickers: { snapshots } } }
}

describe('the lists behind pickers', () => {
  afterEach(() => void vi.useRealTimers())

  it('are read once for all the keys a person presses, and again when they are old', async () => {
    let now = 0
    let reads = 0
    const connection = connectionWith(async (_api, { container }) => {
      reads += 1
      return [{ value: `${container} ${reads}`, label: 'nightly' }]
    })
    const lists = new PickerLists(() => now, silentLog)
    const get = (container: string) => lists.get(connection, field, { values: { container } })
    const both = await Promise.all([get('a'), get('a')])
    expect(both[0]).toEqual({ options: [{ value: 'a 1', label: 'nightly' }] })
    expect(both[1]).toEqual(both[0])
    expect(await get('b')).toEqual({ options: [{ value: 'b 2', label: 'nightly' }] })
    now = 31_000
    expect(await get('a')).toEqual({ options: [{ value: 'a 3', label: 'nightly' }] })
  })

  it('are read again after half a minute although the clock was set back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let elapsed = 0
    let reads = 0
    const connection = connectionWith(async () => {
      reads += 1
      return []
    })
    const lists = new PickerLists(() => elapsed, silentLog)
    await lists.get(connection, field, { values: {} })
    vi.setSystemTime(Date.now() - 24 * 60 * 60_000)
    elapsed = 30_000
    await lists.get(connection, field, { values: {} })
    expect(reads).toBe(2)
  })

  it('turn a failure into its sentence, and drop it soon', async () => {
    let now = 0
    let isDown = true
    const connection = connectionWith(async () => {
      if (isDown) throw new TemporaryError('hoody-prod is away.', { mayHaveHappened: false, status: 503 })
      return []
    })
    const lists = new PickerLists(() => now, silentLog)
    const get = () => lists.get(connection, field, { values: {} })
    const away = { reason: "dummy-one can't load the list right now (503).", isTransient: true }
    expect(await get()).toEqual(away)
    isDown = false
    expect(await get()).toEqual(away)
    now = 5_001
    expect(await get()).toEqual({ options: [] })
  })

  it('say for a person why there is none, and for the operator what they must mend', async () => {
    const refused: string[] = []
    const listFailing = async (error: Error) => {
      const connection = connectionWith(async () => {
        throw error
      })
      const lists = new PickerLists(() => 0, silentLog, {
        refused: (name, reason) => refused.push(`${name}: ${reason}`),
        owner: '#platform',
      })
      return await lists.get(connection, field, { values: {} })
    }
    const words = 'dummy-one may not do this (403 to GET /api/v1/containers/). Check the rights of its token.'
    const refusal = new ConnectionError(words, { status: 403 })
    expect(await listFailing(refusal)).toEqual({
      reason: 'dummy-one refused the list (403). Tell #platform.',
      isTransient: false,
    })
    const late = new TemporaryError('dummy-one did not answer GET /x within 10 s.', { mayHaveHappened: false })
    expect(await listFailing(late)).toEqual({
      reason: "dummy-one can't load the list right now.",
      isTransient: true,
    })
    const endless = new UnreadableListError("The provider's list doesn't end: page 1 came again.")
    expect(await listFailing(endless)).toEqual({ reason: endless.message, isTransient: true })
    const own = new UserError('dummy-one: There is no such container.', { status: 404 })
    expect(await listFailing(own)).toMatchObject({ reason: own.message })
    expect(refused).toEqual([`dummy-one: ${words}`])
  })

  it('are read once in a flood of requests, however slow the provider is', async () => {
    let now = 0
    let reads = 0
    let answer: () => void = () => {}
    const connection = connectionWith(async () => {
      reads += 1
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return []
    })
    const lists = new PickerLists(() => now, silentLog)
    const flood = Array.from({ length: 1_000 }, () => lists.get(connection, field, { values: { container: 'a' } }))
    now = 3_600_000
    flood.push(lists.get(connection, field, { values: { container: 'a' } }))
    answer()
    expect(new Set(await Promise.all(flood)).size).toBe(1)
    expect(reads).toBe(1)
  })

  it('are read twenty at a time at most, whatever a form says that they depend on', async () => {
    let reading = 0
    let most = 0
    const connection = connectionWith(async () => {
      reading += 1
      most = Math.max(most, reading)
      await new Promise((resolve) => setImmediate(resolve))
      reading -= 1
      return []
    })
    const lists = new PickerLists(() => 0, silentLog)
    const get = (container: string) => lists.get(connection, field, { values: { container } })
    const flood = await Promise.all(Array.from({ length: 1_000 }, (_, at) => get(`made up ${at}`)))
    expect(most).toBe(20)
    expect(flood.filter((list) => 'reason' in list)).toHaveLength(980)
    expect(await get('later')).toEqual({ options: [] })
  })

  it('are forgotten, the oldest first, before they fill the memory', async () => {
    let reads = 0
    const connection = connectionWith(async () => {
      reads += 1
      return Array.from({ length: 1_000 }, (_, at) => ({ value: `${at}`, label: 'x'.repeat(3_000) }))
    })
    const lists = new PickerLists(() => 0, silentLog)
    const get = (container: string) => lists.get(connection, field, { values: { container } })
    for (const container of ['a', 'b', 'c']) await get(container)
    expect(reads).toBe(3)
    await get('c')
    await get('b')
    expect(reads).toBe(3)
    await get('a')
    expect(reads).toBe(4)
  })

  it('admit a bug without its words', async () => {
    const connection = connectionWith(async () => {
      throw new TypeError('token-123 is not a function')
    })
    const list = await new PickerLists(() => 0, silentLog).get(connection, field, { values: {} })
    const reason = "Something broke on our side, so the list can't be loaded."
    expect(list).toEqual({ reason, isTransient: false })
  })
})
