/** The tests that docs/threats.md names are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/threats.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| (?!threat|---)/.test(line))

/** What a row names: each title belongs to the file before it. */
function named(row: string): { file: string; title: string }[] {
  let file = ''
  return [...row.matchAll(/`(test\/[^`]+)`|“([^”]+)”/g)].flatMap(([, path, title]) => {
    file = path ?? file
    return title === undefined ? [] : [{ file, title }]
  })
}

/** The titles of a file's tests; a part that is filled in when the test runs fits anything. */
function titlesOf(file: string): RegExp[] {
  const source = readFileSync(join(root, file), 'utf8')
  const calls = source.matchAll(/(?:\b(?:it|test)(?:\.\w+)*(?:\(\w+\))?|\]\))\(\s*(['"`])(.+?)\1,/gs)
  return [...calls].map(([, , title = '']) => {
    const parts = title.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}|\$\w+|%\w/)
    return new RegExp(`^${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`)
  })
}

describe('the table of threats', () => {
  it.each(rows.map((row) => ({ threat: row.split('|')[1]?.trim() ?? '', row })))('$threat', ({ row }) => {
    const tests = named(row)
    expect(tests.length).toBeGreaterThan(0)
    for (const { file, title } of tests) {
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(
        titlesOf(file).some((known) => known.test(title)),
        `${file}: ${title}`,
      ).toBe(true)
    }
  })

  it('is not empty', () => expect(rows.length).toBeGreaterThan(20))

  it('would miss a test that is not there', () => {
    const titles = titlesOf('test/docs/threats.test.ts')
    expect(titles.some((title) => title.test('is not empty'))).toBe(true)
    expect(titles.some((title) => title.test('was never written'))).toBe(false)
  })
})
