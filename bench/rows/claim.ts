import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { claimDueJobs, releaseClaim } from '../../src/store/claims.js'
import { openDatabase } from '../../src/store/database.js'
import { createJob } from '../../src/store/jobs.js'
import { snakeCase } from '../../src/store/names.js'
import type { Database } from '../../src/store/schema.js'
import { newJob } from '../../test/helpers/context.js'
import { withoutSync } from '../fleet.js'
import { inTurn, median, timed } from '../in-turn.js'
import { startServer } from '../postgres.js'
import type { Figure, Row } from '../row.js'

/** Jobs that are due. */
const DUE = 25
/** Rows that one statement adds. */
const CHUNK = 20_000

export const row: Row = {
  title: 'claim with 1,000,000 finished rows',
  maxMs: 240_000,
  async measure({ isQuick }) {
    const [rounds, few, many] = isQuick ? [5, 100, 10_000] : [100, 1_000, 1_000_000]
    const folder = mkdtempSync(join(tmpdir(), 'claim-'))
    const open = (name: string) => openDatabase(join(folder, `${name}.db`))
    const sqlite = { few: await open('few'), many: await open('many') }
    for (const [db, finished] of [[sqlite.few, few] as const, [sqlite.many, many] as const])
      await withoutSync(db, () => fill(db, finished, countInSqlite))
    const figures = [await compare('SQLite', sqlite, { rounds, few, many })]
    rmSync(folder, { recursive: true })

    const server = await startServer()
    const postgres = {
      few: await openDatabase(await server.newDatabase('few')),
      many: await openDatabase(await server.newDatabase('many')),
    }
    for (const [db, finished] of [[postgres.few, few] as const, [postgres.many, many] as const]) {
      await fill(db, finished, countInPostgres)
      // Autovacuum does it within a minute.
      await sql`analyze`.execute(db)
    }
    figures.push(await compare('Postgres', postgres, { rounds, few, many }))
    await server.remove()
    return figures
  },
}

async function compare(
  name: string,
  { few, many }: { few: Database; many: Database },
  { rounds, ...counts }: { rounds: number; few: number; many: number },
): Promise<Figure> {
  const ms = await inTurn(rounds, { many: () => claim(many), few: () => claim(few) })
  await Promise.all([few.destroy(), many.destroy()])
  return {
    what: name,
    ours: median(ms.many),
    theirs: median(ms.few),
    unit: 'ms',
    against: `with ${counts.few.toLocaleString('en')}`,
    goal: { atMost: 1.5 },
    why: `${DUE} due jobs are claimed with one statement beside ${counts.many.toLocaleString('en')} finished rows. The index of due jobs holds only jobs that are due one day, so finished ones aren't in it.`,
  }
}

/** Milliseconds of one claim; the jobs are given back. */
async function claim(db: Database): Promise<number> {
  const token = randomUUID()
  const ms = await timed(async () => {
    const wanted = { connection: 'dummy-one', state: 'working', limit: DUE } as const
    const claimed = await claimDueJobs(db, wanted, Date.now(), { token, owner: null })
    if (claimed.length !== DUE) throw new Error(`${claimed.length} jobs were claimed.`)
  })
  await releaseClaim(db, token)
  return ms
}

/** Due jobs, and copies of a finished one. */
async function fill(
  db: Database,
  finished: number,
  numbers: (from: number, to: number) => RawBuilder<unknown>,
): Promise<void> {
  const now = Date.now()
  for (let count = 0; count <= DUE; count += 1) await createJob(db, newJob(count), now)
  await db
    .updateTable('jobs')
    .set({ state: 'working', ref: '{"id":"1"}', dueAt: now - 1_000 })
    .execute()
  const one = await db.selectFrom('jobs').selectAll().limit(1).executeTakeFirstOrThrow()
  await db.updateTable('jobs').set({ state: 'succeeded', dueAt: null, endedAt: now }).where('id', '=', one.id).execute()
  const { rows } = await sql<Record<string, unknown>>`select * from jobs where id = ${one.id}`.execute(db)
  // Names as in the tables: the driver has turned them into camelCase.
  const columns = Object.keys(rows[0] ?? {}).map(snakeCase)
  const different = ['id', 'submission', 'target', 'lock']
  const values = columns.map((name) =>
    different.includes(name) ? sql`${sql.ref(name)} || '-' || number` : sql.ref(name),
  )
  // One statement for all would take longer than a statement may.
  for (let from = 1; from <= finished; from += CHUNK) {
    const some = numbers(from, Math.min(from + CHUNK - 1, finished))
    await sql`insert into jobs (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join(values)} from jobs cross join ${some} where jobs.id = ${one.id}`.execute(db)
  }
  const { count } = await db
    .selectFrom('jobs')
    .select((job) => job.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (count !== finished + DUE + 1) throw new Error(`There are ${count} jobs.`)
}

function countInPostgres(from: number, to: number): RawBuilder<unknown> {
  return sql`generate_series(${sql.lit(from)}, ${sql.lit(to)}) as numbers(number)`
}

function countInSqlite(from: number, to: number): RawBuilder<unknown> {
  return sql`(with recursive counting(number) as (select ${sql.lit(from)} union all select number + 1 from counting where number < ${sql.lit(to)})
    select number from counting) as numbers`
}
