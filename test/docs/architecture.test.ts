/** The map in docs/architecture.md matches the tree. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
const picture = /```mermaid\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())

describe('docs/architecture.md', () => {
  it('names only files and folders that exist', () => {
    const paths = [...page.matchAll(/`((?:src|sandbox|test|bench|docs)(?:\/[\w./-]+)?)`/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(40)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('lists every folder of src', () => {
    for (const { name } of folders) expect(page).toContain(`\`src/${name}`)
  })

  it('draws parts that are folders of src, and connects only parts that it has drawn', () => {
    const nodes = new Map(
      [...picture.matchAll(/\b(\w+)[[(]+([^<\])]+)/g)].map(([, id = '', label = '']) => [id, label]),
    )
    const outside = ['Slack', 'PaaS API']
    const isThere = (label: string) =>
      outside.includes(label) || existsSync(join(root, 'src', label)) || existsSync(join(root, 'src', `${label}.ts`))
    expect(nodes.size).toBeGreaterThan(5)
    expect([...nodes.values()].filter((label) => !isThere(label))).toEqual([])
    const ends = [...picture.matchAll(/^\s+(\w+)/gm), ...picture.matchAll(/-->(?:\|[^|]*\|)?\s*(\w+)/g)].map(
      ([, id = '']) => id,
    )
    expect(ends.filter((id) => !nodes.has(id))).toEqual([])
  })
})
