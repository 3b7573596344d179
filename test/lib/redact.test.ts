import { expect, it } from 'vitest'
import { createRedactor } from '../../src/lib/redact.js'

/** The same seed makes the same numbers (mulberry32). */
function randomOf(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * most)
  }
}

const characters = [...'abcdefXYZ0123456789012345-._%\\+/"&<>:@=# é🐑']

it('finds a secret in which any character is written in any way, whatever stands around it', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const below = randomOf(seed)
    const pick = <T>(some: readonly T[]) => some[below(some.length)] as T
    const secret = Array.from({ length: 8 + below(40) }, () => pick(characters)).join('')
    const percent = (character: string) =>
      [...Buffer.from(character)].map((byte) => {
        const hex = byte.toString(16).padStart(2, '0')
        return `%${'25'.repeat(below(3))}${below(2) ? hex.toUpperCase() : hex}`
      })
    const unicode = (character: string) =>
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
      )
    const written = [...secret]
      .map((character) => pick([[character], percent(character), unicode(character)]).join(''))
      .join('')
    const text = `${pick(['', 'a', '%', '%4', '\\', '\\u', '100%25', '"'])} ${written} ${pick(['', '%', '41', '\\'])}`
    const clean = createRedactor([secret]).redact(text)
    expect(clean, JSON.stringify({ seed, secret, text })).toContain('••••')
    expect(clean.includes(written)).toBe(false)
  }
})

it('finds what is left of a long token where a text was cut', () => {
  const token = `eyJhbGciOi.${'0123456789abcdef'.repeat(400)}`
  const { redact } = createRedactor([token])
  for (const length of [8, 100, 128, 129, 2_000, 4_000]) {
    expect(redact(`It was ${token.slice(0, length)}`, true)).toBe('It was ••••')
  }
  expect(redact(`It was ${token} once`)).toBe('It was •••• once')
})

it('forgets the tokens first that were used least lately, and never what is configured', () => {
  const { redact, add } = createRedactor(['secret-of-dolly-yml'])
  for (let at = 0; at < 200; at += 1) {
    add(`token-number-${at}`)
    add('token-in-use')
  }
  expect(redact('secret-of-dolly-yml token-in-use token-number-199 token-number-0')).toBe(
    '•••• •••• •••• token-number-0',
  )
})
