/** The statements of docs/operating.md for a restored backup, as a Postgres takes them. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/store/database.js'
import { createSchedule } from '../../src/store/schedules.js'
import { testContext } from '../helpers/context.js'
import { newPostgresDatabase } from '../helpers/postgres.js'
import { newSchedule } from '../helpers/preset.js'

const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')

it('with its own words for the time, live jobs ask a person and schedules are paused', async () => {
  const [, theirs = '', ours = ''] = /write `([^`]+)`\s+for `([^`]+)`/.exec(page) ?? []
  const [, askFirst = ''] = /```sql\n([\s\S]*?)```/.exec(page) ?? []
  const [, pause = ''] = /`(update schedules [^`]+)`/.exec(page) ?? []
  for (const text of [theirs, ours, askFirst, pause]) expect(text).not.toBe('')
  const url = await newPostgresDatabase()
  const db = await openDatabase(url)
  onTestFinished(() => db.destroy())
  const context = await testContext({ db })
  const { id } = await context.ask()
  await createSchedule(db, newSchedule(), context.now())

  const client = new pg.Client(url)
  await client.connect()
  await client.query(askFirst.replaceAll(ours, theirs))
  await client.query(pause.replaceAll(ours, theirs))
  await client.end()

  expect(await context.job(id)).toMatchObject({ state: 'uncertain', detail: 'Dolly was restored from a backup.' })
  expect(await context.kinds(id)).toContain('uncertain')
  const schedule = await db.selectFrom('schedules').select(['pausedAt', 'dueAt']).executeTakeFirstOrThrow()
  expect(schedule).toEqual({ pausedAt: expect.any(Number), dueAt: null })
})
