import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../src/store/database.js'
import { createJob } from '../../src/store/jobs.js'
import { newJob } from '../../test/helpers/context.js'
import { inTurn, median, timed } from '../in-turn.js'
import { startServer } from '../postgres.js'
import type { Row } from '../row.js'

const CONNECTIONS = ['one', 'two', 'three', 'four', 'five'] as const
const MAX_MS = 60_000

export const row: Row = {
  title: 'throughput of replicas on one Postgres',
  maxMs: 240_000,
  async measure({ isQuick }) {
    const [rounds, jobs] = isQuick ? [1, 50] : [3, 240]
    const server = await startServer()
    const url = await server.newDatabase('replicas')
    const db = await openDatabase(url)
    const program = fileURLToPath(new URL('../programs/replica.ts', import.meta.url))
    const replicas: ChildProcess[] = []
    for (let count = 0; count < 3; count += 1) {
      const replica = fork(program, [url, ...CONNECTIONS], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      await once(replica, 'message', { signal: AbortSignal.timeout(MAX_MS) })
      replicas.push(replica)
    }
    let asked = 0

    async function throughput(count: number): Promise<number> {
      const names = new Set<string>()
      for (let job = 0; job < jobs; job += 1) {
        asked += 1
        const name = inLetters(asked)
        names.add(name)
        const connection = CONNECTIONS[job % CONNECTIONS.length] ?? ''
        await createJob(db, { ...newJob(asked), connection, params: { name, deploy: false } }, Date.now())
      }
      const some = replicas.slice(0, count)
      const ms = await timed(async () => {
        for (const replica of some) replica.send('go')
        await allSucceeded()
      })
      const written: string[] = []
      for (const replica of some) {
        replica.send('stop')
        const [made]: string[][] = await once(replica, 'message', { signal: AbortSignal.timeout(MAX_MS) })
        written.push(...(made ?? []))
      }
      if (written.length !== jobs || written.some((name) => !names.has(name)) || new Set(written).size !== jobs)
        throw new Error(`${jobs} jobs led to ${written.length} writes, ${new Set(written).size} of them different.`)
      return (jobs * 1_000) / ms
    }

    async function allSucceeded(): Promise<void> {
      const until = performance.now() + MAX_MS
      for (;;) {
        const { count } = await db
          .selectFrom('jobs')
          .where('state', '=', 'succeeded')
          .select((job) => job.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
        if (count === asked) return
        if (performance.now() > until) throw new Error(`Of ${asked} jobs ${count} succeeded.`)
        await delay(50)
      }
    }

    const rates = await inTurn(rounds, {
      one: () => throughput(1),
      two: () => throughput(2),
      three: () => throughput(3),
    })
    for (const replica of replicas) replica.disconnect()
    await db.destroy()
    await server.remove()
    return (
      [
        [2, 'two'],
        [3, 'three'],
      ] as const
    ).map(([count, name]) => ({
      what: `${count} replicas`,
      ours: median(rates[name]),
      theirs: median(rates.one),
      unit: 'jobs/s',
      against: '1 replica',
      goal: { atLeast: 1 },
      why: `From queued to succeeded, each job with its claim, its slot, its write and its events, at five connections that take four writes at once, each of which takes the provider 100 ms. All ${asked} jobs were written exactly once. All replicas and Postgres share the cores of this machine.`,
    }))
  },
}

/** A name that the dummy provider takes, which knows only small letters and hyphens. */
function inLetters(number: number): string {
  return `${number}`.replace(/\d/g, (digit) => String.fromCharCode(97 + Number(digit)))
}
