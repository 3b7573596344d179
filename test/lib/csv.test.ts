import { expect, it } from 'vitest'
import { toCsv } from '../../src/lib/csv.js'

it('puts each cell in quotes, and doubles those inside', () => {
  expect(
    toCsv([
      ['a', 1, null],
      ['say "hi", twice', 'two\nlines', ''],
    ]),
  ).toBe('"a","1",""\r\n"say ""hi"", twice","two\nlines",""\r\n')
})

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '＝1', '＋1', '－1', '＠1'])(
  'puts an apostrophe before %j, which a spreadsheet would run',
  (text) => {
    expect(toCsv([[text]])).toBe(`"'${text}"\r\n`)
  },
)

it.each(['1-1', 'a=b', 'ann@example.com', ''])('leaves %j as it is', (text) => {
  expect(toCsv([[text]])).toBe(`"${text}"\r\n`)
})

it('leaves numbers as they are', () => {
  expect(toCsv([[-1]])).toBe('"-1"\r\n')
})
