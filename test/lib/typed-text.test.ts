import { describe, expect, it } from 'vitest'
import { namesIn, trimmed } from '../../src/lib/typed-text.js'
import { expectCpuBelow } from '../helpers/cpu.js'

describe('several names in one text', () => {
  it.each([
    ['Shop Web,Shop DB', ['Shop Web', 'Shop DB']],
    ['Shop Web; Shop DB', ['Shop Web', 'Shop DB']],
    ['Shop Web，Shop DB；cache、queue', ['Shop Web', 'Shop DB', 'cache', 'queue']],
    ['Shop Web\nShop DB\r\ncache', ['Shop Web', 'Shop DB', 'cache']],
    ['"Shop Web", „Shop DB“', ['Shop Web', 'Shop DB']],
    [' , ;;, \u200b,', []],
    ['\u200bShop Web\u2060, \ufeffcache', ['Shop Web', 'cache']],
    ["o'neill, 'tis", ["o'neill", "'tis"]],
    ['"Shop Web,Shop DB"', ['Shop Web', 'Shop DB']],
    [' «Shop Web；Shop DB»\u200b', ['Shop Web', 'Shop DB']],
    ['´Shop Web´, `Shop DB`', ['Shop Web', 'Shop DB']],
  ])('have commas, semicolons or line breaks between them, never blanks: %j', (text, names) => {
    expect(namesIn(text)).toEqual(names)
  })

  it('are read in time in proportion to their length', async () => {
    for (const part of [',', '"', ' ', '\u200b', 'a,', '"a",']) {
      await expectCpuBelow(1_500, () => namesIn(part.repeat(300_000)), part)
    }
  })
})

it('an emoji at the end of a text keeps the sign that says how to draw it', () => {
  expect(trimmed(' \u200b❤️\u200b ')).toBe('❤️')
})
