/**
 * How many HTTP calls and how much time it takes to poll a thousand live jobs of each provider once: the real poll worker
 * with a real database against the simulators, compared with one call for each job.
 */
import { existsSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { starters } from '../sandbox/providers/index.js'
import type { Simulator } from '../sandbox/providers/simulator.js'
import { NO_EXPIRY } from '../src/domain/expiry.js'
import { newMemory, type WorkerContext } from '../src/jobs/context.js'
import { pollDueJobs } from '../src/jobs/poll.js'
import { createApi } from '../src/providers/http.js'
import * as providers from '../src/providers/index.js'
import { type Connection, operationOf, type Provider, type Ref } from '../src/providers/provider.js'
import { openDatabase } from '../src/store/database.js'
import { createJob } from '../src/store/jobs.js'
import { alone } from '../src/store/processes.js'
import { silentLog } from '../test/helpers/context.js'
import type { ManyJobs } from '../test/providers/contract/example.js'

const count = Number(process.argv[2] ?? 1_000)
const rows = []
for (const provider of Object.values(providers) as Provider[]) {
  const fixture = new URL(`../test/providers/many/${provider.id}.ts`, import.meta.url)
  if (!existsSync(fixture)) continue
  const { many }: { many: ManyJobs } = await import(fixture.href)
  rows.push(await measure(provider, many))
}
console.log(`${count} live jobs of each provider, polled once:\n`)
console.table(Object.fromEntries(rows))
console.log('\n"One by one" polls the same jobs in the same run, with one call of the same function for each job.')
process.exitCode = rows.every(([, row]) => row.calls === row.collections) ? 0 : 1

async function measure(provider: Provider, many: ManyJobs) {
  const simulator = await start(provider.id)
  // A job with an unknown status is polled on, so every job stays live.
  simulator.setSwitch('unknown-status', true)
  const api = createApi('bench', provider.client(provider.connection.parse(simulator.connection)))
  const refs = await many.refs(provider, api, count)
  const context = await contextWith(
    { name: 'bench', provider, host: 'bench.example', api, expiry: NO_EXPIRY },
    many,
    refs,
  )

  const polled = await measured(simulator.requests, async () => {
    await pollDueJobs(context, 'bench')
  })
  const seen = await context.db.selectFrom('jobs').select('id').where('version', '>', 1).execute()
  if (seen.length !== count) throw new Error(`Only ${seen.length} jobs of ${provider.name} were polled.`)

  const check = operationOf(provider, many.operation)?.steps[0].check
  const alone = await measured(simulator.requests, async () => {
    for (const ref of refs) await check?.(api, [ref], Date.now())
  })
  await context.db.destroy()
  await simulator.close()
  const row = {
    calls: polled.calls,
    collections: many.calls(count),
    'one by one': alone.calls,
    'fewer calls': `${(alone.calls / polled.calls).toFixed(0)}×`,
    faster: `${(alone.ms / polled.ms).toFixed(1)}×`,
    'held in': many.call,
  }
  return [provider.name, row] as const
}

/** The simulator of that id, with so many things more in it. */
async function start(id: string): Promise<Simulator> {
  for (const one of starters) {
    const simulator = await one({ count })
    if (simulator.id === id) return simulator
    await simulator.close()
  }
  throw new Error(`sandbox/providers/index.ts lists no simulator of ${id}.`)
}

async function measured(requests: () => number, work: () => Promise<void>): Promise<{ calls: number; ms: number }> {
  const [before, start] = [requests(), performance.now()]
  await work()
  return { calls: requests() - before, ms: performance.now() - start }
}

/** A worker context with one connection whose jobs are all due for a poll. */
async function contextWith(
  connection: Connection,
  { operation, params = {} }: ManyJobs,
  refs: readonly Ref[],
): Promise<WorkerContext> {
  const db = await openDatabase(':memory:')
  const now = Date.now()
  const step = connection.provider.operations[operation]?.steps[0].id ?? ''
  for (const [index, ref] of refs.entries()) {
    const draft = { connection: 'bench', operation, params, source: 'one', target: `${index}`, lock: `${index}`, step }
    const who = { submission: `${index}`, requester: 'U1', mentionOnSuccess: false, channel: 'C1' }
    const made = await createJob(db, { ...draft, ...who }, now)
    if (made.kind !== 'created') throw new Error(`Job ${index} is ${made.kind}.`)
    const set = {
      state: 'working',
      ref: JSON.stringify(ref),
      startedAt: now,
      dueAt: now,
      deadlineAt: now + 3_600_000,
    } as const
    await db.updateTable('jobs').set(set).where('id', '=', made.job.id).execute()
  }
  const connections = new Map([['bench', connection]])
  // The clock stands still. Otherwise the first jobs would be due again before the last ones were polled.
  const times = { now: () => now, elapsed: () => performance.now(), random: () => 0.5 }
  return { db, connections, membership: alone, memory: newMemory(), log: silentLog, ...times }
}
