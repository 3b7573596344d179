import { expect, it } from 'vitest'
import { didYouMean } from '../../src/lib/closest.js'
import { expectCpuBelow } from '../helpers/cpu.js'

it('asks for the word that was meant, and not at all where none is near', () => {
  expect(didYouMean('cpoy', ['copy', 'sync'])).toBe(' Did you mean "copy"?')
  expect(didYouMean('SYNC', ['copy', 'sync'], '; did')).toBe('; did you mean "sync"?')
  expect(didYouMean('zzzzzz', ['copy', 'sync'])).toBe('')
  expect(didYouMean('copy', [])).toBe('')
})

it('compares what people see', () => {
  expect(didYouMean('SHÖP\u00adAPI', ['shöp-api'.normalize('NFD')])).toBe(
    ` Did you mean "${'shöp-api'.normalize('NFD')}"?`,
  )
})

it('finds the one container among two thousand that was meant', () => {
  const names = Array.from({ length: 2_000 }, (_, at) => `shop-${at}-in-${at % 7 === 0 ? 'production' : 'staging'}`)
  expect(didYouMean('shop-1321-in-stagign', names)).toBe(' Did you mean "shop-1321-in-staging"?')
  expect(didYouMean('billing', [...names.slice(1), 'biling'])).toBe(' Did you mean "biling"?')
})

it('takes no time over a pasted page, a long list or long names', async () => {
  const names = (count: number, length: number) =>
    Array.from({ length: count }, (_, at) => `${at}-`.padEnd(length, 'container-'))
  const asked: [string, string[]][] = [
    ['c'.repeat(1_390), names(2_000, 60)],
    ['c'.repeat(1_390), names(2_000, 1_390)],
    ['container'.repeat(7), names(2_000, 60)],
    ['contäiner-ß'.repeat(5), names(10_000, 50).map((name) => `é${name}`)],
    ['c'.repeat(1_000_000), names(10, 1_000_000)],
  ]
  for (const [word, known] of asked) {
    await expectCpuBelow(200, () => {
      for (let time = 0; time < 10; time += 1) didYouMean(word, known)
    })
  }
})
