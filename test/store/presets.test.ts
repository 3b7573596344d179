/** Presets: who finds which under a name, and how many there are. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_PRESETS } from '../../src/domain/preset.js'
import { deletePreset, listPresets, readPreset, savePreset } from '../../src/store/presets.js'
import { type TestContext, testContext } from '../helpers/context.js'
import { newPreset } from '../helpers/preset.js'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.db.destroy())

const save = (wanted: Parameters<typeof newPreset>[0] = {}) => savePreset(context.db, newPreset(wanted), 'C1', 1)
const by = { actor: 'U1', channel: 'C1' }
const everyone = { scope: 'everyone', owner: '' } as const
const ofChannel = { scope: 'channel', owner: 'C1' } as const

describe('a preset', () => {
  it('comes back as it was saved', async () => {
    const saved = await save({ labels: { name: 'Copy' }, keepForMs: 3_600_000 })
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    expect(await readPreset(context.db, saved.preset.id)).toEqual(saved.preset)
    expect(saved.preset).toMatchObject({
      ...newPreset({ labels: { name: 'Copy' }, keepForMs: 3_600_000 }),
      createdAt: 1,
    })
  })

  it('is never replaced by another of the same name', async () => {
    await save()
    expect(await save({ target: 'other' })).toMatchObject({ kind: 'taken', preset: { target: 'copy' } })
    expect(await save({ owner: 'U2' })).toMatchObject({ kind: 'saved' })
  })

  it('is listed for its owner first, then for its channel, then for everyone', async () => {
    for (const wanted of [everyone, ofChannel, {}])
      await save({ ...wanted, target: wanted === everyone ? 'all' : 'some' })
    const scopeFor = async (ids: string[], channel: string | null) =>
      (await listPresets(context.db, { ids, channel }))[0]?.scope
    expect(await scopeFor(['U1'], 'C1')).toBe('person')
    expect(await scopeFor(['U2', 'U1'], null), 'by a second id').toBe('person')
    expect(await scopeFor(['U2'], 'C1')).toBe('channel')
    expect(await scopeFor(['U2'], 'C2')).toBe('everyone')
    expect(await listPresets(context.db, { ids: ['U1'], channel: 'C1' })).toHaveLength(3)
  })

  it('is gone once it is deleted, and only once', async () => {
    const saved = await save()
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    expect(await deletePreset(context.db, saved.preset, by, 1)).toBe(true)
    expect(await deletePreset(context.db, saved.preset, by, 1)).toBe(false)
    expect(await readPreset(context.db, saved.preset.id)).toBeNull()
  })
})

it('an owner can save only so many presets, and takes no room from another', async () => {
  for (let number = 0; number < MAX_PRESETS; number += 1) await save({ name: `p${number}` })
  expect(await save({ name: 'more' })).toEqual({ kind: 'full' })
  expect(await save({ ...everyone, name: 'more' })).toMatchObject({ kind: 'saved' })
})
