import { expect, it } from 'vitest'
import { createRedactor } from '../../src/lib/redact.js'
import { expectCpuBelow } from '../helpers/cpu.js'

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

const secret = 'pa ss/w+rd&"<é>7Xk=!'
const each = (write: (character: string) => string) => [...secret].map(write).join('')
const numbered = (character: string) => `&#${character.codePointAt(0)};`
const hexed = (character: string) => `&#x${(character.codePointAt(0) ?? 0).toString(16)};`

it.each([
  ['in HTML, by number', each(numbered)],
  ['in HTML, by number with naughts', each((character) => numbered(character).replace('#', '#00'))],
  ['in HTML, by hexadecimal number', each(hexed)],
  ['in HTML, where only signs are escaped', secret.replaceAll(/[&"<>/+=]/g, hexed)],
  ['in HTML, by name', secret.replaceAll('&', '&amp;').replaceAll('/', '&sol;').replaceAll('<', '&lt;')],
  ['in HTML, twice', each((character) => numbered(character).replace('&', '&amp;'))],
  ['in a form and escaped once more', encodeURIComponent(new URLSearchParams([['', secret]]).toString().slice(1))],
  ['in a string of a program', each((character) => `\\x${(character.codePointAt(0) ?? 0).toString(16)}`)],
  ['with backslashes before its signs', secret.replaceAll(/[^a-z0-9]/gi, '\\$&')],
  ...[...'\u200b\u200c\u200d\u00ad\ufe0f\u2060\u202e\n\u2028'].flatMap((hidden) => [
    [`with ${JSON.stringify(hidden)} in its midst`, secret.slice(0, 6) + hidden + secret.slice(6)],
    [`with ${JSON.stringify(hidden)} everywhere`, [...secret].join(hidden)],
  ]),
  ['in base64 of several lines', Buffer.from(secret).toString('base64').replaceAll(/.{8}/g, '$&\n')],
])('finds a secret %s', (_, written) => {
  const { redact } = createRedactor([secret])
  // The first and last letter of base64 are half their neighbours'.
  expect(redact(`It was ${written} once`)).toMatch(/^It was .{0,1}••••.{0,4} once$/)
  expect(redact(`It was ${written.slice(0, written.length - 2)}`, true)).toMatch(/^It was .{0,1}••••$/)
})

it('takes a moment, however many long tokens there are', async () => {
  const { redact, add } = createRedactor([])
  for (let at = 0; at < 64; at += 1) add(`eyJhbGciOi${at}.${'0123456789abcdef'.repeat(60)}`)
  // To make a pattern of each of them took seconds.
  await expectCpuBelow(500, () => {
    for (const text of ['%25'.repeat(1_300), '&#x73;'.repeat(680), 's e c r '.repeat(500)]) redact(text, true)
  })
})

it('finds what is left of a long token where a text was cut', () => {
  const token = `eyJhbGciOi.${'0123456789abcdef'.repeat(400)}`
  const { redact } = createRedactor([token])
  for (const length of [8, 100, 128, 129, 2_000, 4_000]) {
    expect(redact(`It was ${token.slice(0, length)}`, true)).toBe('It was ••••')
  }
  expect(redact(`It was ${token} once`)).toBe('It was •••• once')
})

it('drops the least recently used tokens first, and never what is configured', () => {
  const { redact, add } = createRedactor(['secret-of-dolly-yml'])
  for (let at = 0; at < 200; at += 1) {
    add(`token-number-${at}`)
    add('token-in-use')
  }
  expect(redact('secret-of-dolly-yml token-in-use token-number-199 token-number-0')).toBe(
    '•••• •••• •••• token-number-0',
  )
})

it('finds a beginning at the end of a cut text in which any character is written in any way, also where the cut went through one', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const below = randomOf(seed)
    const pick = <T>(some: readonly T[]) => some[below(some.length)] as T
    const secret = Array.from({ length: 20 + below(40) }, () => pick(characters)).join('')
    const ways = (character: string) => [
      character,
      [...Buffer.from(character)]
        .map((byte) => `%${'25'.repeat(seed % 3)}${byte.toString(16).padStart(2, '0')}`)
        .join(''),
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
      ).join(''),
    ]
    // Blanks, plus signs and backslashes are no part of what tells a secret.
    const begun = [...secret.replace(/^[\s+\\]+/, '')].slice(0, 8 + below(8)).map((character) => pick(ways(character)))
    const cutThrough = ['', '%', '%2', '\\', '\\u00', '&am'][seed % 6]
    const text = `It was ${begun.join('')}${cutThrough}`
    const clean = createRedactor([secret]).redact(text, true)
    expect(clean, JSON.stringify({ seed, secret, text })).toMatch(/^It was ••••$/)
  }
})

it('takes no long over a cut text the first time, however many long tokens were fetched', () => {
  const { redact, add } = createRedactor([])
  for (let at = 0; at < 64; at += 1) add(`eyJhbGciOi${at}.${`${at}abcdefghijklmnopqrstuvw`.repeat(80)}`)
  const texts = [
    'x y z '.repeat(700),
    'eyJhb'.repeat(900),
    '%65yJ'.repeat(900),
    '%25'.repeat(1_400),
    '\\'.repeat(4_096),
  ]
  for (const text of texts) {
    const began = process.cpuUsage()
    redact(text, true)
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1_000, text.slice(0, 10)).toBeLessThan(200)
  }
})
