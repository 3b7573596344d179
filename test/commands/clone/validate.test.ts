/** The provider's word before anything is started: what it refuses, what it warns of, and when it says nothing. */
import { describe, expect, it } from 'vitest'
import { Validator } from '../../../src/commands/clone/validate.js'
import { ConnectionError, TemporaryError, UserError } from '../../../src/errors.js'
import type { Operation, Validation } from '../../../src/providers/provider.js'
import { silentLog } from '../../helpers/context.js'
import { dummyConnection, dummyWorld } from '../../helpers/dummy-provider.js'

function targetOf(validate: Operation['validate'], name = 'dummy-one') {
  const connection = dummyConnection(dummyWorld(), name)
  const { clone } = connection.provider.operations
  if (!clone) throw new Error('The dummy lost its operation.')
  const operation: Operation = validate ? { ...clone, validate } : clone
  return { connection, operation, operationId: 'clone' }
}
const check = async (validate: Operation['validate'], ms = 5_000) =>
  await new Validator(silentLog).check(targetOf(validate), { name: 'copy' }, ms)
const finding = (found: Validation) => check(async () => found)
const never = () => new Promise<never>(() => {})

describe('what the provider refuses', () => {
  it('stands beside its field, several at once', async () => {
    const errors = { name: 'The name is taken.', deploy: 'Deployments are off.' }
    expect(await finding({ errors })).toEqual({ isChecked: true, errors, warnings: [] })
  })

  it('goes beside the first field if the form lacks the field, because Slack rejects errors for unknown fields', async () => {
    const found = await finding({ errors: { name: 'Taken.', quota: 'Full.', __proto: 'Odd.' } })
    expect(found).toMatchObject({ errors: { name: 'Taken. Full. Odd.' } })
  })

  it('is one line of plain text, cut to what a field shows', async () => {
    const sentence = `<b>Taken</b> & *gone*\n<!channel> ${'x'.repeat(1_000)}`
    const found = await finding({ errors: { name: sentence, deploy: '' } })
    if (!found.isChecked) throw new Error('It should be checked.')
    expect(found.errors.name).toMatch(/^<b>Taken<\/b> & \*gone\* <!channel> x+…$/)
    expect(found.errors.name?.length).toBeLessThanOrEqual(300)
    expect(found.errors.deploy).toBe('Please change this.')
  })

  it('may be thrown, with its field or without', async () => {
    const throwing = (error: Error) =>
      check(async () => {
        throw error
      })
    expect(await throwing(new UserError('Taken.', { field: 'deploy', status: 422 }))).toMatchObject({
      errors: { deploy: 'Taken.' },
    })
    expect(await throwing(new UserError('Full.', { field: 'quota' }))).toMatchObject({ errors: { name: 'Full.' } })
    await expect(throwing(new UserError('The account is closed.'))).rejects.toThrow('The account is closed.')
  })

  it('comes with warnings, none of them empty', async () => {
    expect(await finding({ warnings: ['It overwrites billing.', ' ', 'It costs.'] })).toEqual({
      isChecked: true,
      errors: {},
      warnings: ['It overwrites billing.', 'It costs.'],
    })
  })
})

describe('a check that comes to nothing', () => {
  const refusing: [string, Error][] = [
    ['refuses our credentials', new ConnectionError('dummy-one refused the token.', { status: 401 })],
    ['is away', new TemporaryError('dummy-one answered 503.', { mayHaveHappened: false, status: 503 })],
    ['refuses a read', new UserError('There is no such page.', { status: 404 })],
    ['breaks', new TypeError('undefined is not a function')],
  ]
  it.each(refusing)('keeps no one from starting where the provider %s', async (_, error) => {
    const rejecting = await check(async () => {
      throw error
    })
    const throwing = await check(() => {
      throw error
    })
    for (const found of [rejecting, throwing]) {
      expect(found).toEqual({
        isChecked: false,
        problem:
          "dummy-one couldn't check this right now. I'll check again when you start. If it's refused then, the thread says why.",
      })
    }
  })

  it('says that the provider was too slow', async () => {
    const slow =
      "dummy-one took too long to check this. I'll check again when you start. If it's refused then, the thread says why."
    expect(await check(never, 1)).toEqual({ isChecked: false, problem: slow })
    let asked = 0
    const counting = async () => {
      asked += 1
      return {}
    }
    expect(await check(counting, 0)).toEqual({ isChecked: false, problem: slow })
    expect(asked).toBe(0)
  })

  it('is none where the operation has none', async () => {
    expect(await check(undefined, 0)).toEqual({ isChecked: true, errors: {}, warnings: [] })
  })
})

describe('a flood of checks', () => {
  it('reaches a provider ten times at once, and no other connection waits for it', async () => {
    const validator = new Validator(silentLog)
    const answers: (() => void)[] = []
    const slow = targetOf(() => new Promise((resolve) => void answers.push(() => resolve({}))))
    const pending = Array.from({ length: 50 }, () => validator.check(slow, {}, 60_000))
    const refused = (await Promise.all(pending.slice(10))).filter(({ isChecked }) => !isChecked)
    expect(refused).toHaveLength(40)
    expect(answers).toHaveLength(10)
    expect(refused[0]).toMatchObject({
      problem: expect.stringContaining('Too many checks are running at dummy-one right now.'),
    })
    expect(
      await validator.check(
        targetOf(async () => ({}), 'dummy-two'),
        {},
        60_000,
      ),
    ).toMatchObject({ isChecked: true })

    for (const answer of answers) answer()
    expect(await Promise.all(pending.slice(0, 10))).toEqual(
      Array(10).fill({ isChecked: true, errors: {}, warnings: [] }),
    )
    expect(
      await validator.check(
        targetOf(async () => ({})),
        {},
        60_000,
      ),
    ).toMatchObject({ isChecked: true })
  })
})
