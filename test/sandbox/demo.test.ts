/** What the demo says before it starts anything. */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { demoDatabase } from '../../sandbox/demo-database.js'

/** Runs the demo's program; resolves with its exit code and what it wrote to stderr. */
function demo(...args: string[]): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'sandbox/demo.ts', ...args], (error, _, stderr) => {
      resolve({ code: error?.code ?? 0, said: stderr.trim() })
    })
  })
}

describe('the demo', () => {
  it("leaves somebody's SQLite file alone, and says so when it can't reach a Postgres", async () => {
    expect(await demoDatabase('file:data/dolly.db')).toBeUndefined()
    expect(await demoDatabase('postgres://dolly:secret-4711@127.0.0.1:1/dolly')).toEqual({
      refusal:
        "The demo can't use the database of DATABASE_URL (connect ECONNREFUSED 127.0.0.1:1). Correct it, or unset DATABASE_URL.",
    })
  })

  it('says so when the port after --port is taken, and when it is no port', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await demo('--port', `${port}`)).toEqual({
      code: 1,
      said: `Port ${port} is taken. Choose another one, or leave --port out.`,
    })
    expect(await demo('--port', 'many')).toEqual({
      code: 1,
      said: '--port needs a number from 1 to 65535, not "many".',
    })
    server.close()
  })
})
