/** The text behind a command, fragment by fragment. */
import { describe, expect, it } from 'vitest'
import { parseCommandText } from '../../../src/commands/clone/command-text.js'
import { expectCpuBelow } from '../../helpers/cpu.js'

const words = (text: string) => parseCommandText(text).words
const values = (text: string) => parseCommandText(text).values

describe('blanks and what nobody sees between words', () => {
  const unseen = ['\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u00ad', '\ufeff', '\u2060', '\u061c', '\u3164']
  it.each(unseen)('are nothing at the edges of a word: %j', (mark) => {
    for (const text of [
      `${mark}hoody copy`,
      `hoody${mark} copy`,
      `hoody ${mark}copy`,
      `hoody copy${mark}`,
      `${mark}${mark}hoody ${mark} copy ${mark}`,
    ]) {
      expect(words(text), JSON.stringify(text)).toEqual(['hoody', 'copy'])
    }
    expect(values(`a ${mark}name${mark}=${mark}x${mark} deploy=${mark}`)).toEqual({ name: 'x', deploy: '' })
  })

  it.each(['\u00a0', '\u2003', '\u3000', '\t', '\n', ' \u200b '])('part words whatever their width: %j', (gap) => {
    expect(words(`hoody${gap}copy`)).toEqual(['hoody', 'copy'])
  })

  it('leave an emoji whole', () => {
    expect(values('app=shop-❤️ name=👩‍👩‍👧')).toEqual({ app: 'shop-❤️', name: '👩‍👩‍👧' })
  })
})

describe('the name of a field', () => {
  it.each(['name=x', '--name=x', '—name=x', '–name=x', '-name=x', '—name = x', 'name＝x', 'name ＝ x'])(
    'may have dashes before it and an equals sign of any width behind it: %s',
    (text) => {
      expect(values(`hoody copy ${text}`)).toEqual({ name: 'x' })
      expect(words(`hoody copy ${text}`)).toEqual(['hoody', 'copy'])
    },
  )

  it('may be given once, in whatever spelling', () => {
    expect(() => parseCommandText('name=a Name=b')).toThrow(
      'Name appears twice. Write it once, with commas between several values.',
    )
    expect(() => parseCommandText('name=a na\u00adme=b')).toThrow('appears twice')
  })

  it('is kept even where it is one that every object has', () => {
    expect(Object.entries(values('__proto__=x constructor=y'))).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
  })

  it('is none where a word only holds an equals sign', () => {
    expect(words('https://x.example/?a=b --help')).toEqual(['https://x.example/?a=b', 'help'])
  })
})

describe('a comma behind the last piece of a value, or behind a word, and dashes that stand alone,', () => {
  it.each([
    'hoody copy name=x, deploy=y',
    'hoody, copy; name=x; deploy=y,',
    'hoody copy -- name=x deploy=y',
    'hoody — copy name=x， deploy=y；',
    'hoody copy, name=`x`, deploy=´y´',
  ])('are nothing: %s', (text) => {
    expect(words(text)).toEqual(['hoody', 'copy'])
    expect(values(text)).toEqual({ name: 'x', deploy: 'y' })
  })

  it('stay where quotation marks enclose them, and within a value', () => {
    expect(values('name="x," app="a — b" project=a—b,c')).toEqual({ name: 'x,', app: 'a — b', project: 'a—b,c' })
  })
})

describe('quotation marks', () => {
  const pairs = [
    '""',
    "''",
    '“”',
    '„“',
    '„”',
    '””',
    '‘’',
    '‚‘',
    '‚’',
    '«»',
    '»«',
    '‹›',
    '›‹',
    '「」',
    '『』',
    '″″',
    '＂＂',
  ]
  it.each(pairs)('enclose a value as it is: %s', ([opening = '', closing = '']) => {
    const quoted = `${opening}two, three = four${closing}`
    expect(values(`hoody copy name=${quoted} deploy=yes`)).toEqual({ name: 'two, three = four', deploy: 'yes' })
    expect(values(`name = ${quoted}`)).toEqual({ name: 'two, three = four' })
    expect(values(`name=${opening} \u200bx ${closing}`)).toEqual({ name: ' \u200bx ' })
    expect(words(`${opening}hoody${closing} copy`)).toEqual(['hoody', 'copy'])
  })

  it.each(['“two words"', '"two words”', "'two words’"])('may be curled at one end only: %s', (quoted) => {
    expect(values(`name=${quoted} deploy=yes`)).toEqual({ name: 'two words', deploy: 'yes' })
  })

  it.each(["o'neill", 'o’neill', 'rock’n’roll', '5″'])('are none inside a word: %s', (name) => {
    expect(values(`name=${name} deploy=yes`)).toEqual({ name, deploy: 'yes' })
  })

  it('end at the end of a word where they could be an apostrophe', () => {
    expect(values("name='it's fine' deploy=yes")).toEqual({ name: "it's fine", deploy: 'yes' })
    expect(values('name=‘it’s fine’')).toEqual({ name: 'it’s fine' })
  })

  it.each(['"two words', '“two words', "'two words", '«two words'])('need a second one: %s', (text) => {
    expect(() => parseCommandText(`name=${text}`)).toThrow(
      'The quote before "two words" is never closed. Add one at the end of the value.',
    )
  })
})

describe('a value', () => {
  it.each([
    ['components="Shop Web,Shop DB" name=x', 'Shop Web,Shop DB'],
    ['components="Shop Web","Shop DB" name=x', 'Shop Web, Shop DB'],
    ['components="Shop Web"; „Shop DB“ name=x', 'Shop Web; Shop DB'],
    ['components=web, db name=x', 'web, db'],
    ['components=web ,db name=x', 'web, db'],
    ['components=web，db name=x', 'web，db'],
    ['components=web、 "Shop DB" name=x', 'web、 Shop DB'],
  ])('goes on behind a comma of any kind: %s', (text, components) => {
    expect(values(text)).toEqual({ components, name: 'x' })
  })

  it('ends where the next field begins', () => {
    expect(values('name= deploy=on')).toEqual({ name: '', deploy: 'on' })
    expect(values('name="a", deploy=on')).toEqual({ name: 'a', deploy: 'on' })
    expect(values('name=a=b')).toEqual({ name: 'a=b' })
  })

  it('is what Slack escaped, unescaped once', () => {
    expect(values('project="R&amp;D &lt;labs&gt;"')).toEqual({ project: 'R&D <labs>' })
    expect(values('project=R&amp;amp;D')).toEqual({ project: 'R&amp;D' })
  })
})

describe('the worst that can be typed', () => {
  const parts = [
    'a',
    ' ',
    '-',
    '=',
    'a=',
    'a =',
    "'",
    "'a ",
    '’x',
    '"',
    '"a" ',
    '"a",',
    'a, ',
    ',',
    '„a ',
    '—a',
    '&amp;',
  ]
  const unseen = ['\u200b', '\ufe0f', 'a\u200b', 'a\ufe0f ', '\ud83d']
  it.each([...parts, ...unseen])('is read in time in proportion to its length: %j again and again', async (part) => {
    for (const before of ['', 'name=', 'name="', "name='"]) {
      const text = before + part.repeat(Math.ceil(250_000 / part.length))
      const parse = () => {
        try {
          parseCommandText(text)
        } catch (error) {
          expect(String(error)).toMatch(/^UserError: .{1,300}$/)
        }
      }
      // Trying each character again for each other one would take minutes.
      await expectCpuBelow(2_000, parse, before)
    }
  })

  it('may be a megabyte', async () => {
    for (const text of ['a'.repeat(1_000_000), `name="${'x'.repeat(1_000_000)}"`]) {
      await expectCpuBelow(500, () => parseCommandText(text))
    }
  })
})
