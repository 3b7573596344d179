/** What the demo says before it starts anything. */
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { demoDatabase } from '../../sandbox/demo-database.js'
import { refusalOf } from '../../sandbox/free-port.js'

describe('the demo', () => {
  it("leaves somebody's SQLite file alone, and says so when it can't reach a Postgres", async () => {
    expect(await demoDatabase('file:data/dolly.db')).toBeUndefined()
    expect(await demoDatabase('postgres://dolly:secret-4711@127.0.0.1:1/dolly')).toEqual({
      refusal:
        "The demo can't use the database of DATABASE_URL (connect ECONNREFUSED 127.0.0.1:1). Correct it, or unset DATABASE_URL.",
    })
  })

  it('says so when the port that somebody wants is taken, and when it is no port', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await refusalOf(`${port}`)).toBe(`Port ${port} is taken. Choose another one, or leave it out.`)
    await new Promise((resolve) => server.close(resolve))
    expect(await refusalOf(`${port}`)).toBeUndefined()
    expect(await refusalOf('many')).toBe('"many" isn\'t a port. It must be a number from 1 to 65535.')
  })
})
