/** A connection that takes only so many writes at once gets no more from all processes together. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { writeNextJob } from '../../src/jobs/write.js'
import type { Connection } from '../../src/providers/provider.js'
import { createJob } from '../../src/store/jobs.js'
import { newJob, type TestContext, testContext } from '../helpers/context.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'
import { joinAgain, openReplicas, type Replica } from '../helpers/replicas.js'

describe('the slots of a connection', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  let replicas: readonly Replica[]
  let close: () => Promise<void>
  beforeEach(async () => {
    ;({ replicas, close } = await openReplicas(3, () => now))
  })
  afterEach(async () => await close())

  /** The workers of one process. */
  async function contextOf(replica: Replica, connection: Connection): Promise<TestContext> {
    return await testContext({ ...replica, connections: new Map([[connection.name, connection]]) })
  }

  async function ask(count: number): Promise<void> {
    const [{ db }] = replicas as [Replica]
    for (let number = 1; number <= count; number += 1) await createJob(db, newJob(number), now)
  }

  async function statesOfJobs(): Promise<string[]> {
    const [{ db }] = replicas as [Replica]
    return (await db.selectFrom('jobs').select('state').orderBy('createdAt').execute()).map(({ state }) => state)
  }

  /** A connection whose writes are requests that take until the test lets them go. */
  function slowConnection(maxConcurrentWrites: number) {
    const connection = dummyConnection(dummyWorld())
    const { provider } = connection
    const step = provider.operations.clone?.steps[0]
    if (!step) throw new Error('The dummy has a clone.')
    step.run = async (api) => await api.post('/clones', z.object({ id: z.string() }))
    const waiting: (() => void)[] = []
    const seen = { underWay: 0, most: 0, sent: 0 }
    const post: Connection['api']['post'] = async (_path, schema, options) => {
      await options?.beforeSend?.()
      seen.underWay += 1
      seen.sent += 1
      seen.most = Math.max(seen.most, seen.underWay)
      await new Promise<void>((resolve) => waiting.push(resolve))
      seen.underWay -= 1
      return schema.parse({ id: `clone-${seen.sent}` })
    }
    return {
      connection: { ...connection, provider: { ...provider, maxConcurrentWrites }, api: { ...connection.api, post } },
      seen,
      letGo: () => {
        for (const resolve of waiting.splice(0)) resolve()
      },
    }
  }

  it.each([1, 2])('are never more than the %i that it has, whichever process writes', async (max) => {
    const { connection, seen, letGo } = slowConnection(max)
    await ask(9)
    const contexts = await Promise.all(replicas.map(async (replica) => await contextOf(replica, connection)))
    const loops = contexts.map(async (context) => {
      // As with the ticks of a scheduler: a process that found no slot asks again.
      while ((await statesOfJobs()).includes('queued')) await writeNextJob(context, connection.name)
    })
    const ticking = Promise.all(loops).then(() => 'done')
    while ((await Promise.race([ticking, delay(10, 'more')])) !== 'done') {
      if (seen.underWay === max || !(await statesOfJobs()).includes('queued')) letGo()
    }
    expect(seen).toEqual({ underWay: 0, most: max, sent: 9 })
    expect(await statesOfJobs()).toEqual(Array(9).fill('working'))
    const [{ db }] = replicas as [Replica]
    expect(await db.selectFrom('slots').selectAll().execute()).toEqual([])
  })

  it('are kept for a process that freezes in the middle of a write, until others take it for dead', async () => {
    const { connection, seen, letGo } = slowConnection(1)
    await ask(2)
    const [frozen, other] = await Promise.all(replicas.map(async (replica) => await contextOf(replica, connection)))
    if (!frozen?.membership.owner || !other) throw new Error('There are three.')
    const write = writeNextJob(frozen, connection.name)
    await expect.poll(() => seen.underWay).toBe(1)
    expect(await writeNextJob(other, connection.name)).toBe(false)
    expect(seen.sent).toBe(1)

    await other.db.deleteFrom('processes').where('id', '=', frozen.membership.owner).execute()
    const next = writeNextJob(other, connection.name)
    await expect.poll(() => seen.sent).toBe(2)
    letGo()
    expect(await next).toBe(true)
    await write
  })

  it('are lost for good by a process that was taken for dead: it sends nothing under a claim that nobody took', async () => {
    const { connection, seen, letGo } = slowConnection(1)
    await ask(2)
    let thaw: () => void = () => {}
    const standstill = new Promise<void>((resolve) => {
      thaw = resolve
    })
    let isStanding = false
    const post: Connection['api']['post'] = async (...args) => {
      isStanding = true
      await standstill
      return await connection.api.post(...args)
    }
    const [frozen, other] = await Promise.all([
      contextOf(replicas[0] as Replica, { ...connection, api: { ...connection.api, post } }),
      contextOf(replicas[1] as Replica, connection),
    ])
    const owner = frozen.membership.owner ?? ''
    const stopped = writeNextJob(frozen, connection.name)
    await expect.poll(() => isStanding).toBe(true)
    await other.db.deleteFrom('processes').where('id', '=', owner).execute()
    const write = writeNextJob(other, connection.name)
    await expect.poll(() => seen.underWay).toBe(1)

    await joinAgain(other.db, owner)
    thaw()
    await stopped
    expect(seen).toMatchObject({ underWay: 1, sent: 1 })
    letGo()
    await write
    expect((await statesOfJobs()).sort()).toEqual(['queued', 'working'])
  })

  it('are given back if no write is due', async () => {
    const { connection } = slowConnection(1)
    const context = await contextOf(replicas[0] as Replica, connection)
    expect(await writeNextJob(context, connection.name)).toBe(false)
    expect(await context.db.selectFrom('slots').selectAll().execute()).toEqual([])
  })
})
