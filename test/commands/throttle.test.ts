import { describe, expect, it } from 'vitest'
import { Throttle } from '../../src/commands/throttle.js'

describe('a flood of commands', () => {
  it('gets through ten at once, then one every three seconds', () => {
    const throttle = new Throttle()
    const taken = (now: number, count: number) =>
      Array.from({ length: count }, () => throttle.take('U1', now)).filter(({ waitMs }) => waitMs === 0).length
    expect(taken(1_000_000, 50)).toBe(10)
    expect(throttle.take('U1', 1_000_000)).toEqual({ waitMs: 3_000 })
    expect(throttle.take('U1', 1_002_000)).toEqual({ waitMs: 1_000 })
    expect(taken(1_003_000, 50)).toBe(1)
    expect(taken(1_063_000, 50)).toBe(10)
  })

  it('of one person is no other’s', () => {
    const throttle = new Throttle()
    for (let count = 0; count < 50; count += 1) throttle.take('U1', 1_000_000)
    expect(throttle.take('U2', 1_000_000)).toEqual({ waitMs: 0 })
  })

  it('from very many people is not remembered for ever', () => {
    const throttle = new Throttle()
    for (let person = 0; person < 50_000; person += 1) throttle.take(`U${person}`, 1_000_000)
    expect(throttle.size).toBe(1_000)
  })
})
