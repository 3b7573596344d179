import { expect, it } from 'vitest'
import { comparable } from '../../src/lib/text.js'

it('keeps thirty marks of a letter at most, whatever nobody sees stands between them', () => {
  const thirty = comparable(`shop${'\u0301'.repeat(30)}`)
  for (const between of ['', '\u200b', '\u00ad', '\u2060\ufeff']) {
    expect(comparable(`shop${`\u0301${between}`.repeat(1_000)}`)).toBe(thirty)
  }
})
