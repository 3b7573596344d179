/** A job is checked once more right before its write goes out, however long the login for it took. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { Act } from '../../src/domain/job.js'
import { next } from '../../src/domain/machine.js'
import { writeNextJob } from '../../src/jobs/write.js'
import { createApi } from '../../src/providers/http.js'
import { applyTransition } from '../../src/store/jobs.js'
import { type TestContext, testContext } from '../helpers/context.js'

const servers: ReturnType<typeof createServer>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

/** A provider over real HTTP whose login takes as long as `duringLogin`; returns the requests that arrived. */
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
  let token: string | undefined
  connection.api = createApi('dummy-one', {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers: {},
    errorMessage: () => undefined,
    authorize: async (login) => {
      token ??= (await login.post('/login', z.object({ token: z.string() }))).token
      return { authorization: `Bearer ${token}` }
    },
  })
  step.run = async (api) => await api.post('/clones', z.object({ id: z.string() }))
  return arrived
}

async function press(context: TestContext, id: string, act: Act): Promise<void> {
  const job = { ...(await context.job(id)), canDismiss: true }
  const clicked = next(job, { kind: act, actor: 'U1' }, { now: context.now(), jitter: 0 })
  expect(await applyTransition(context.db, job, clicked, context.now(), null)).not.toBeNull()
}

it('a slow login during which the job is dismissed leads to no write', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => await press(context, id, 'dismiss'))
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login'])
  expect(await context.job(id)).toMatchObject({ state: 'cancelled', ref: null })
  await context.db.destroy()
})

it('a slow login during which the job is cancelled leads to no write, and ends it at once', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => await press(context, id, 'cancel'))
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login'])
  expect(await context.job(id)).toMatchObject({ state: 'cancelled', ref: null })
  await context.db.destroy()
})

it('a slow login during which the job is muted leads to its one write', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => await press(context, id, 'mute'))
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login', 'POST /clones'])
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'a' }, isMuted: true })
  await context.db.destroy()
})

it('a step of two requests that is cancelled between them sends both', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => {})
  const step = context.connections.get('dummy-one')?.provider.operations.clone?.steps[0]
  if (!step) throw new Error('The dummy has a clone.')
  step.run = async (api) => {
    const made = await api.post('/clones', z.object({ id: z.string() }))
    await press(context, id, 'cancel')
    await api.post('/clones/a/scale', z.unknown())
    return made
  }
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login', 'POST /clones', 'POST /clones/a/scale'])
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'a' }, cancelRequestedBy: 'U1' })
  await context.db.destroy()
})

it('a slow login during which the job stays as it is leads to its one write', async () => {
  const context = await testContext()
  const { id } = await context.ask()
  const arrived = await provide(context, async () => context.pass(9_999))
  await writeNextJob(context, 'dummy-one')
  expect(arrived).toEqual(['POST /login', 'POST /clones'])
  expect(await context.job(id)).toMatchObject({ state: 'working', ref: { id: 'a' } })
  await context.db.destroy()
})
