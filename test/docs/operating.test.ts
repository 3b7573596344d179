/** docs/operating.md quotes log lines that Dolly really writes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/operating.md'), 'utf8')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(root, 'src', file), 'utf8'))

/** What the first column of the table of log lines quotes, without values that vary. */
const quoted = [...page.slice(page.indexOf('| watch for |')).matchAll(/^\| ([^|]+) \|/gm)]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
  .filter((text) => text.includes(' ') && !/^(level|rule) /.test(text))
  .map((text) => text.replace(/ ?…$/, ''))

describe('the table of log lines', () => {
  it('quotes something', () => expect(quoted.length).toBeGreaterThan(12))

  it.each(quoted)('%s is a log line of Dolly', (text) => {
    // Numbers are filled in at run time.
    const [start = ''] = text.split(/\d/)
    expect(sources.some((source) => source.includes(start.trim()))).toBe(true)
  })
})
