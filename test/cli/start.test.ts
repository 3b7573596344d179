/** How `dolly start` ends. */
import { expect, it } from 'vitest'
import { closeAll } from '../../src/cli/start.js'

function recorder() {
  const logged: string[] = []
  const log = (_about: unknown, words?: string) => void logged.push(words ?? '')
  return { logged, log: { warn: log, error: log } }
}

it('a stop undoes what was started, the last thing first, even if one of them breaks', async () => {
  const { logged, log } = recorder()
  const closed: string[] = []
  const broken = async () => {
    throw new Error('a bug')
  }
  await closeAll([async () => closed.push('database'), broken, async () => closed.push('server')], 1_000, log)
  expect(closed).toEqual(['server', 'database'])
  expect(logged).toEqual(['stopping broke'])
})

it("a stop doesn't wait for a database that never answers", async () => {
  const { logged, log } = recorder()
  await closeAll([() => new Promise(() => {})], 1, log)
  expect(logged).toEqual(["stopping took too long; what didn't end is cut off"])
})
