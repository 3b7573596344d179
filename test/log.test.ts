import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { seldomPerConnection } from '../src/log.js'

const secret = 'wool/"of"\\the+sheep=4711'

it('no line shows a secret, in whatever form it was written there', async () => {
  // pino writes to the process's own output, so it takes a process to read it.
  const script = `
    import { createLog, striking } from './src/log.ts'
    const secret = process.env.SECRET
    const log = createLog('trace', striking([secret]))
    log.info({ secret }, secret)
    log.error({ err: new Error('Refused ' + secret) }, 'a round broke')
    log.debug({ url: 'https://x.example/?token=' + encodeURIComponent(secret) }, 'asked')
    for (const user of ['', 'a:', 'bo:', 'ann:']) log.trace(Buffer.from(user + secret).toString('base64') + ' sent')
    log.trace(Buffer.from(secret + ' and more').toString('base64url') + ' sent')
  `
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { env: { ...process.env, SECRET: secret } },
  )
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(8)
  for (const line of lines) {
    expect(line).toContain('••••')
    expect(() => JSON.parse(line)).not.toThrow()
    const { msg = '' } = JSON.parse(line)
    expect(Buffer.from(msg.replace(/ .*/, ''), 'base64').toString()).not.toMatch(/sheep|wool/)
  }
  expect(stdout).not.toContain('sheep')
}, 30_000)

it('a connection that is refused all day long is one line in a quarter of an hour', () => {
  const lines: object[] = []
  let now = 0
  const refused = seldomPerConnection({ warn: (fields: object) => void lines.push(fields) }, () => now)
  const minute = 60_000
  for (now = 0; now < 31 * minute; now += minute) refused('hoody', `401 at ${now / minute}`)
  refused('qovery', '403')
  expect(lines).toEqual([
    { connection: 'hoody', reason: '401 at 0' },
    { connection: 'hoody', reason: '401 at 15' },
    { connection: 'hoody', reason: '401 at 30' },
    { connection: 'qovery', reason: '403' },
  ])
})
