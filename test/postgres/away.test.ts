/** While the database is away people read a true sentence in time, and when it is back everything continues. */
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { answerSubmission } from '../../src/commands/clone/form-submit.js'
import { explain } from '../../src/commands/services.js'
import { DatabaseError } from '../../src/errors.js'
import { NO_DATABASE } from '../../src/jobs/scheduler.js'
import { openHttpTransport } from '../../src/slack/transport/http.js'
import { openDatabase } from '../../src/store/database.js'
import { saveDraft } from '../../src/store/drafts.js'
import { createJob, findSubmitted } from '../../src/store/jobs.js'
import { openStore } from '../../src/store/open.js'
import { newJob, silentLog } from '../helpers/context.js'
import { startCuttingProxy } from '../helpers/cutting-proxy.js'
import { newPostgresDatabase, startPostgres } from '../helpers/postgres.js'
import { quietLogger } from '../helpers/slack-request.js'

/** Slack waits three seconds, of which the way there and back and other work need some. */
const MAX_ANSWER_MS = 2_500
const services = { log: silentLog, access: { rules: [], owner: '#platform' } }
const submit = async (...[db, wanted, now]: Parameters<typeof createJob>) =>
  await answerSubmission(services, async () => {
    await createJob(db, wanted, now)
    return { response_action: 'clear' }
  })

async function openFor(address: string) {
  const closers: (() => Promise<unknown>)[] = []
  onTestFinished(async () => {
    for (const close of closers.reverse()) await close().catch(() => undefined)
  })
  return await openStore(address, { elapsed: () => performance.now(), log: silentLog, closers })
}

it('a Postgres that is stopped: a request is refused in time, the probe says so, and all goes on afterwards', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const { requests, membership, seenBefore } = await openFor(server.url)
  const port = await freePort()
  const about = { now: () => Date.now(), seenBefore }
  const transport = openHttpTransport('secret', port, quietLogger, about, undefined, () =>
    membership.mayWork() ? undefined : NO_DATABASE,
  )
  await transport.start()
  onTestFinished(() => transport.stop())
  const probe = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  expect([await probe('/readyz'), await probe('/healthz')]).toEqual([200, 200])

  await server.stop()
  const begun = performance.now()
  const answer = await submit(requests, newJob(1), 1_000)
  expect(performance.now() - begun).toBeLessThan(MAX_ANSWER_MS)
  expect(JSON.stringify(answer)).toContain("The database didn't answer. Nothing starts twice. Try again in a moment.")
  await expect.poll(() => probe('/readyz')).toBe(503)
  expect(await probe('/healthz')).toBe(200)

  await server.start()
  await expect.poll(() => probe('/readyz')).toBe(200)
  expect(await submit(requests, newJob(1), 1_000)).toEqual({ response_action: 'clear' })
}, 120_000)

it('a connection that ends while nobody uses it is one line in the log', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const lines: string[] = []
  const warn = (_: object, message: string) => void lines.push(message)
  const db = await openDatabase(server.url, undefined, { maxConnections: 1, log: { warn } })
  onTestFinished(() => db.destroy())
  await db.selectFrom('jobs').select('id').execute()
  await server.stop()
  await expect.poll(() => lines).toHaveLength(1)
}, 60_000)

it('a dead host takes no more of the three seconds than a busy one', async () => {
  const address = await newPostgresDatabase()
  const proxy = await startCuttingProxy(address)
  onTestFinished(() => proxy.close())
  const { requests } = await openFor(proxy.url)
  await saveDraft(requests, 'answers', 'U1', {}, 1)

  // A connection that is open already, and those that would be opened: all are taken, and none is answered.
  proxy.freeze(true)
  for (let time = 0; time < 3; time += 1) {
    const begun = performance.now()
    const error: unknown = await saveDraft(requests, 'answers', 'U1', {}, 1).catch((failure: unknown) => failure)
    expect(performance.now() - begun).toBeLessThan(MAX_ANSWER_MS)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(explain(services, error)).toBe("The database didn't answer. Nothing was started. Try again in a moment.")
  }
  proxy.freeze(false)
  await expect.poll(async () => await submit(requests, newJob(2), 1_000)).toEqual({ response_action: 'clear' })
  expect(await findSubmitted(requests, 'submission 2')).not.toBeNull()
}, 60_000)
