/** The provider on the documentation's page, compiled and run as it stands there: its suite is part of this file. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { PAGE, ROOT, writePageFiles } from '../helpers/page.js'

const page = writePageFiles()
afterAll(() => page.remove())

// Calls describeProvider, as the test of any provider does.
await import(page.at('test/providers/shed.test.ts'))

describe('the page about adding a provider', () => {
  it('shows code that compiles under the rules of this repository', async () => {
    const config = join(page.folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['**/*.ts'] }))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', config])
    await expect(compiled).resolves.toMatchObject({ stdout: '' })
  })

  it('shows code as the formatter leaves it', async () => {
    const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')
    for (const [path, code] of page.code) {
      const formatted = promisify(execFile)(process.execPath, [biome, 'format', `--stdin-file-path=${path}`], {
        cwd: ROOT,
      })
      formatted.child.stdin?.end(code)
      expect((await formatted).stdout, path).toBe(code)
    }
  })

  it('names only parts that exist', () => {
    const sources = ['provider', 'api', 'removal'].map((one) => `src/providers/${one}.ts`)
    const contract = [...sources, 'test/providers/contract/example.ts']
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n')
    const parts = [...PAGE.matchAll(/^\| `(\w+)` \|/gm)].map(([, part]) => part ?? '')
    expect(parts.length).toBeGreaterThan(20)
    for (const part of parts) expect(contract).toMatch(new RegExp(`\\b${part}\\b`))
  })

  it('lists only files that there are, beside those of Shed', () => {
    const listed = [...PAGE.matchAll(/^\| `([\w./-]+\/[\w./-]+)`/gm)].map(([, file]) => file ?? '')
    expect(listed.length).toBeGreaterThan(3)
    for (const file of listed) if (!file.includes('shed')) expect(() => readFileSync(join(ROOT, file))).not.toThrow()
  })
})
