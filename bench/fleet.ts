/** Many running jobs at five real providers' simulators. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { NO_EXPIRY } from '../src/domain/expiry.js'
import { newMemory, type WorkerContext } from '../src/jobs/context.js'
import { pollDueJobs } from '../src/jobs/poll.js'
import { createApi } from '../src/providers/http.js'
import * as providers from '../src/providers/index.js'
import type { Connection, Provider, Ref } from '../src/providers/provider.js'
import { createJob } from '../src/store/jobs.js'
import { alone } from '../src/store/processes.js'
import type { Database } from '../src/store/schema.js'
import { silentLog } from '../test/helpers/context.js'
import type { ManyJobs } from '../test/providers/contract/example.js'

/** A simulator and the name of its connection. */
export interface Connected {
  name: string
  /** Of the provider. */
  id: string
  connection: Readonly<Record<string, string>>
}

export interface Fleet {
  /** As dolly.yml connects to them. */
  simulators: Connected[]
  connections: ReadonlyMap<string, Connection>
  /** Of things that stay at work for ever, by connection. */
  jobs: ReadonlyMap<string, { many: ManyJobs; refs: readonly Ref[] }>
  /** Lets each answer take 2.5 s. */
  setSlow(isSlow: boolean): void
  close(): void
}

/** @param count of jobs at each of the five. */
export async function startFleet(count: number): Promise<Fleet> {
  const program = fileURLToPath(new URL('programs/simulators.ts', import.meta.url))
  const child = fork(program, [`${count}`], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [simulators = []]: (Connected & { plain: Connected['connection'] })[][] = await once(child, 'message', {
    signal: AbortSignal.timeout(60_000),
  })
  const connections = new Map<string, Connection>()
  const jobs = new Map<string, { many: ManyJobs; refs: readonly Ref[] }>()
  for (const simulator of simulators) {
    const { name, id, plain } = simulator
    const { many } = await manyOf(id)
    // Its lists offer only what is finished, which the jobs' own connection never says.
    const { provider, api } = connectionOf({ name, id, connection: plain })
    const refs = (await many.refs(provider, api, count)).slice(0, count)
    if (refs.length < count) throw new Error(`${name} has only ${refs.length} things to poll.`)
    connections.set(name, connectionOf(simulator))
    jobs.set(name, { many, refs })
  }
  return {
    simulators,
    connections,
    jobs,
    setSlow: (isSlow) => void child.send({ isSlow }),
    close: () => void child.kill('SIGKILL'),
  }
}

export function connectionOf({ name, id, connection }: Connected): Connection {
  const provider = providerOf(id)
  const api = createApi(name, provider.client(provider.connection.parse(connection)))
  return { name, provider, host: 'bench.example', api, expiry: NO_EXPIRY }
}

export function providerOf(id: string): Provider {
  const provider = Object.values<Provider>(providers).find((one) => one.id === id)
  if (!provider) throw new Error(`There is no provider ${id}.`)
  return provider
}

export async function manyOf(id: string): Promise<{ many: ManyJobs }> {
  return await import(new URL(`../test/providers/many/${id}.ts`, import.meta.url).href)
}

/** A worker context whose wall clock stands still: otherwise the first jobs would be due again before the last ones were polled. */
export function workerContext(db: Database, connections: Fleet['connections'], now = Date.now()): WorkerContext {
  const times = { now: () => now, elapsed: () => performance.now(), random: () => 0.5 }
  return { db, connections, membership: alone, memory: newMemory(), log: silentLog, ...times }
}

/** Writes a running job for each of these refs into the database, due now. */
export async function addRunningJobs(
  { db, connections, now }: WorkerContext,
  name: string,
  { many, refs }: { many: ManyJobs; refs: readonly Ref[] },
): Promise<void> {
  const { operation, params = {} } = many
  const step = connections.get(name)?.provider.operations[operation]?.steps[0].id ?? ''
  for (const [index, ref] of refs.entries()) {
    const key = `${name} ${index}`
    const draft = { connection: name, operation, params, source: 'one', target: key, lock: key, step }
    const channel = `C${1_000_000 + (index % 50)}`
    const who = { submission: key, requester: 'U1', mentionOnSuccess: false, channel }
    const made = await createJob(db, { ...draft, ...who }, now())
    if (made.kind !== 'created') throw new Error(`Job ${index} is ${made.kind}.`)
    const set = {
      state: 'working',
      ref: JSON.stringify(ref),
      startedAt: now(),
      dueAt: now(),
      deadlineAt: now() + 3_600_000,
    } as const
    await db.updateTable('jobs').set(set).where('id', '=', made.job.id).execute()
  }
}

/** The jobs of a fleet as they are after a first poll, with threads that show it, and due again. */
export async function addFleet(
  db: Database,
  { connections, jobs }: Pick<Fleet, 'connections' | 'jobs'>,
  now = Date.now(),
): Promise<void> {
  const context = workerContext(db, connections, now)
  for (const [name, some] of jobs) {
    await addRunningJobs(context, name, some)
    while (await pollDueJobs(context, name));
  }
  const ended = await db.selectFrom('jobs').select('connection').where('state', '!=', 'working').execute()
  if (ended.length > 0) throw new Error(`${ended.length} jobs don't run, such as one of ${ended[0]?.connection}.`)
  await db.updateTable('events').set({ notifiedAt: now }).execute()
  await db
    .updateTable('messages')
    .set({
      ts: sql<string>`'1700000000.' || job_id`,
      shownVersion: sql<number>`(select version from jobs where id = job_id)`,
    })
    .execute()
  await makeDue(db, now)
}

/** All running jobs are due again. */
export async function makeDue(db: Database, now: number): Promise<void> {
  await db.updateTable('jobs').set({ dueAt: now }).where('state', '=', 'working').execute()
}

/** For what is only prepared: without waiting for the disk. */
export async function withoutSync(db: Database, work: () => Promise<void>): Promise<void> {
  await sql`pragma synchronous = off`.execute(db)
  await work()
  await sql`pragma synchronous = full`.execute(db)
}
