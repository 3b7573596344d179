/** `dolly db restored` on a Postgres that was restored from a dump, and the backup of a file that moves to Postgres. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { backUpDatabase } from '../../src/store/backup.js'
import { copyDatabase } from '../../src/store/copy.js'
import { openDatabase } from '../../src/store/database.js'
import { openStore } from '../../src/store/open.js'
import { askAfterRestoreAt } from '../../src/store/restored.js'
import { silentLog, testContext } from '../helpers/context.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

it('live jobs ask a person, and a database that a Dolly uses is left alone', async () => {
  const url = await newPostgresDatabase()
  const db = await openDatabase(url)
  onTestFinished(() => db.destroy())
  const context = await testContext({ db })
  const { id } = await context.ask()

  const closers: (() => Promise<unknown>)[] = []
  await openStore(url, { elapsed: () => performance.now(), log: silentLog, closers })
  const refusal = await askAfterRestoreAt(url, { now: context.now() }).catch((error: Error) => error.message)
  for (const close of closers.reverse()) await close()
  expect(refusal).toMatch(
    /^A running Dolly uses the database \S+ on \S+ \(process \d+ on .*\)\. Stop all of them first\.$/,
  )
  expect(await context.job(id)).toMatchObject({ state: 'queued' })

  expect(await askAfterRestoreAt(url, { now: context.now() })).toMatchObject({
    place: expect.stringMatching(/^the database /),
    jobs: 1,
  })
  expect(await context.job(id)).toMatchObject({ state: 'uncertain', detail: 'Dolly was restored from a backup.' })
  expect(await context.kinds(id)).toContain('uncertain')
})

it('live jobs of a backup that is copied to Postgres ask a person there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-restore-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [file, backup] = [join(folder, 'dolly.db'), join(folder, 'backup.db')]
  const source = await openDatabase(file)
  onTestFinished(() => source.destroy())
  const context = await testContext({ db: source })
  const { id } = await context.ask()
  await backUpDatabase(file, backup)

  const url = await newPostgresDatabase()
  await copyDatabase(backup, url, { keys: [], now: context.now() })
  const db = await openDatabase(url)
  onTestFinished(() => db.destroy())
  expect(await db.selectFrom('jobs').select(['id', 'state']).execute()).toEqual([{ id, state: 'uncertain' }])
})
