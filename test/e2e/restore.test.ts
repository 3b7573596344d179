/** A backup that was made while Dolly ran: what it doesn't know is asked, not done again. */
import { copyFileSync, rmSync, statSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { askForCopy, isDone, startWorld } from '../helpers/world.js'

it('a job that ended after the backup asks a person, and its write is not sent again', async () => {
  const world = await startWorld('http')
  try {
    const { workspace, hoody } = world
    const ann = workspace.as(workspace.people.ann.id)
    const copies = () => hoody.writes().filter(({ path }) => path.endsWith('/copy')).length
    const first = await world.start()
    await askForCopy(world, 'restored')
    await ann.waitForMessage(({ text }) => text.includes('restored') && isDone(text), 20_000)
    const [{ file = '' } = {}] = world.rows<{ file: string }>('select file from pragma_database_list')
    const backup = `${file}.backup`
    expect(await world.run('db', 'backup', backup)).toMatch(/^Backed up \S+ to \S+: \d\.\d MB, with 0 live jobs\.\n/)
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    await first.kill('SIGTERM')
    // As a backup from before the write has it.
    const copy = new Sqlite(backup)
    copy.exec(`
      update jobs set state = 'queued', attempt = 0, postponed_since = null, ref = null, started_at = null, ended_at = null, due_at = created_at, version = 1;
      update messages set shown_version = 1 where key = 'root';
      delete from messages where key != 'root';
      delete from events where seq > 1;
    `)
    copy.close()

    for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
    copyFileSync(backup, file)
    const second = await world.start()
    expect(second.log()).toContain('this database is a restored backup')
    const question = await ann.waitForMessage(({ text }) => /^<@.* I don't know whether/.test(text), 15_000)
    expect(question.text).toContain('Dolly was restored from a backup.')
    expect(world.rows('select state from jobs')).toEqual([{ state: 'uncertain' }])
    expect(copies()).toBe(1)

    await ann.click({ channel: question.channel, ts: question.threadTs ?? '' }, 'job:check_again')
    await expect.poll(() => world.rows('select state from jobs'), { timeout: 20_000 }).toEqual([{ state: 'succeeded' }])
    expect(copies()).toBe(1)
    // Once is enough: for the next start it's a database like any other.
    await second.kill('SIGTERM')
    expect((await world.start()).log()).not.toContain('this database is a restored backup')
  } finally {
    await world.close()
  }
}, 120_000)
