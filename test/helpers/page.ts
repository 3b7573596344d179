/** The files that docs/adding-a-provider.md shows, written out so that they can be compiled and run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const PAGE = readFileSync(join(ROOT, 'docs/adding-a-provider.md'), 'utf8')

/** A path between backticks, then a block of code. */
const FILE = /`([\w./-]+\.ts)`:\n\n```ts\n([\s\S]*?)```/g

export interface PageFiles {
  folder: string
  /** The code on the page, by path. */
  code: ReadonlyMap<string, string>
  /** The written file, by the path that the page gives it. */
  at(path: string): string
  remove(): void
}

/**
 * Writes the page's files below a new folder, inside the tree, where packages are found. Tests get another ending, or they
 * would be run as tests of their own.
 *
 * @param change what to make of a file's code before it is written.
 */
export function writePageFiles(change: (path: string, code: string) => string = (_path, code) => code): PageFiles {
  const files = new Map([...PAGE.matchAll(FILE)].map(([, path = '', code = '']) => [path, code]))
  const folder = mkdtempSync(join(ROOT, 'test/docs/.page-'))
  const at = (path: string) => {
    if (!files.has(path)) throw new Error(`The page shows no file ${path}, only ${[...files.keys()].join(', ')}.`)
    return join(folder, path.replace('.test.ts', '.page.ts'))
  }
  for (const [path, code] of files) {
    const file = at(path)
    mkdirSync(dirname(file), { recursive: true })
    const here = code.replace(/(?<= from ')\.[^']+(?=')/g, (specifier) => {
      const target = join(dirname(path), specifier)
      if (files.has(target.replace(/\.js$/, '.ts'))) return specifier
      return relative(dirname(file), join(ROOT, target))
    })
    writeFileSync(file, change(path, here))
  }
  return { folder, code: files, at, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
