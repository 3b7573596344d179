/** A claim is worth what it is when the write goes out, not when somebody began to log in for it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { writeNextJob } from '../../src/jobs/write.js'
import { createApi } from '../../src/providers/http.js'
import { claimDueJobs } from '../../src/store/claims.js'
import { type TestContext, testContext } from '../helpers/context.js'

const servers: ReturnType<typeof createServer>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

/** A provider over real HTTP whose login takes as long as `duringLogin`; answers with the requests that arrived. */
async function provide(context: TestContext, duringLogin: () => Promise<unknown>): Promise<string[]> {
  const arrived: string[] = []
  const server = createServer(async (request, response) => {
    arrived.push(`${request.method} ${request.url}`)
    if (request.url === '/login') await duringLogin()
    response.setHeader('connection', 'close').setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id: 'a', token: 'fresh-token' }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = context.connections.get('dummy-one')
  const step = connection?.provider.operations.clone?.steps[0]
  if (!connection || !step) throw new Error('The dummy has a clone.')
  connection.api = createApi('dummy-one', {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers: {},
    errorMessage: () => undefined,
    authorize: async (login) => {
      const { token } = await login.post('/login', z.object({ token: z.string() }))
      return { authorization: `Bearer ${token}` }
    },
  })
  step.run = async (api) => await api.post('/clones', z.object({ id: z.string() }))
  return arrived
}

it('a slow login during which another worker takes the job leads to no write', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const other = { ...context, worker: 'two' }
  const arrived = await provide(context, async () => {
    context.pass(context.leaseMs + 1)
    const wanted = { connection: 'dummy-one', states: ['starting'] as const, limit: 1 }
    const lease = { worker: other.worker, now: other.now(), leaseMs: other.leaseMs }
    expect(await claimDueJobs(context.db, wanted, lease)).toHaveLength(1)
  })
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login'])
  expect(await context.job(id)).toMatchObject({ state: 'starting', ref: null })
  await context.db.destroy()
})

it('a slow login during which nobody takes the job leads to its one write', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => context.pass(context.leaseMs - 1))
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login', 'POST /clones'])
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'a' } })
  await context.db.destroy()
})
