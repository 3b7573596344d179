/** What DATABASE_URL may name by mistake: each is refused at once, with a sentence that says what to do. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'dolly-paths-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [file, pipe, link] = ['file', 'pipe', 'link'].map((name) => join(folder, name)) as [string, string, string]
const impossible: [string, string][] = [
  ['in a folder where none can be made', '/proc/x/dolly.db'],
  ['several such folders deep', '/proc/x/y/z/dolly.db'],
  ['in a folder of the system’s own', '/sys/x/dolly.db'],
  ['that is a folder', folder],
  ['whose folder is a file', join(file, 'dolly.db')],
  ['whose folder would be in a file', join(file, 'data', 'dolly.db')],
  ['that is a pipe, which would be waited for', pipe],
  ['that is a device', '/dev/null'],
  ['whose name is too long', join(folder, 'x'.repeat(300))],
  ['whose folder leads nowhere', join(link, 'dolly.db')],
  ['of which the log is a folder', join(folder, 'odd.db')],
]

let outcomes: Record<string, string>
beforeAll(async () => {
  writeFileSync(file, 'wool')
  execFileSync('mkfifo', [pipe])
  symlinkSync(join(folder, 'nowhere'), link)
  mkdirSync(join(folder, 'odd.db-wal'))
  const script = new URL('../../helpers/open-paths.ts', import.meta.url).pathname
  const paths = [...impossible.map(([, path]) => path), join(folder, 'new', 'and', 'deep', 'dolly.db')]
  // A process that hangs takes no signal but this.
  const deadline = { timeout: 40_000, killSignal: 'SIGKILL' } as const
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...paths], deadline)
  outcomes = JSON.parse(stdout)
}, 60_000)

it.each(impossible)('a database %s is refused with what to check', (_, path) => {
  expect(outcomes[path]).toMatch(
    /^ConnectionError: The database .* can't be opened \(.*\)\. Check DATABASE_URL, and who may write there\.$/,
  )
  expect(outcomes[path]).toContain(path)
})

it('a database some new folders deep is opened', () => {
  expect(outcomes[join(folder, 'new', 'and', 'deep', 'dolly.db')]).toBe('opened')
})
