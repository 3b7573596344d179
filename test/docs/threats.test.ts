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

const comments = /^\s*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm
/** What keeps a test, or its neighbours, from being run or from having to pass. */
const leftOut = /\.(?:skip|skipIf|runIf|todo|only|fails)\b|\bskip\(|\b(?:skip|todo|only|fails): true/

/**
 * The titles of a file's tests; a part that is filled in when the test runs fits anything. A file that leaves out a test
 * has none at all: which of them are in a part that is left out, nobody can tell from here.
 */
function titlesOf(source: string): RegExp[] {
  const code = source.replaceAll(comments, '')
  if (leftOut.test(code)) return []
  const calls = code.matchAll(/(?:\b(?:it|test)(?:\.\w+)*(?:\(\w+\))?|(?:[\])]|const)\))\(\s*(['"`])(.+?)\1,/gs)
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
        titlesOf(readFileSync(join(root, file), 'utf8')).some((known) => known.test(title)),
        `${file} runs all of its tests, “${title}” among them`,
      ).toBe(true)
    }
  })

  it('is not empty', () => expect(rows.length).toBeGreaterThan(20))

  it('would miss a test that is not there, or that is never run', () => {
    const covers = (source: string) => titlesOf(source).some((title) => title.test('is safe'))
    const safe = "it('is safe', () => {})"
    const each = ["it.each([1, 2])('is safe', () => {})", "it.each(Object.keys(all))('is safe', () => {})"]
    expect([...each, "it.each([1] as const)('is safe', () => {})"].map(covers)).toEqual([true, true, true])
    expect([safe, `// Safe.\n${safe}`, "it.each(all)('is safe', () => {})"].map(covers)).toEqual([true, true, true])
    const sources = [
      "it('was safe', () => {})",
      `// ${safe}`,
      `/* ${safe} */`,
      ...['skip', 'todo', 'fails', 'skipIf(true)', 'skip.each(all)'].map((how) => `it.${how}('is safe', () => {})`),
      ...['skip', 'todo', 'runIf(false)'].map((how) => `describe.${how}('all', () => {\n  ${safe}\n})`),
      `it.only('is strange', () => {})\n${safe}`,
      "it('is safe', { skip: true }, () => {})",
      "it('is safe', (context) => context.skip())",
      "it('is safe', ({ skip }) => skip())",
    ]
    expect(sources.filter(covers)).toEqual([])
  })
})
