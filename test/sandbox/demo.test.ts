/** What the demo says before it starts anything. */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'

/** Runs the demo's program; resolves with its exit code and what it wrote to stderr. */
function demo(...args: string[]): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'sandbox/demo.ts', ...args], (error, _, stderr) => {
      resolve({ code: error?.code ?? 0, said: stderr.trim() })
    })
  })
}

describe('the demo', () => {
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
