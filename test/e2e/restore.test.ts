/** The statements of docs/operating.md on a restored database: what the backup does not know is asked, not done again. */
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { askForCopy, isDone, startWorld } from '../helpers/world.js'

const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
const askFirst = /```sql\n(.*?)```/s.exec(page)?.[1] ?? ''

it('a job that ended after the backup asks a person, and its write is not sent again', async () => {
  const world = await startWorld('http')
  try {
    const { workspace, hoody } = world
    const ann = workspace.as(workspace.people.ann.id)
    const copies = () => hoody.writes().filter(({ path }) => path.endsWith('/copy')).length
    const first = await world.start()
    await askForCopy(world, 'restored')
    await ann.waitForMessage(({ text }) => text.includes('restored') && isDone(text), 20_000)
    await first.kill('SIGTERM')
    // As a backup from before the write has it.
    world.write(
      "update jobs set state = 'queued', attempt = 0, postponed_since = null, ref = null, started_at = null, ended_at = null, due_at = created_at, version = 1",
    )
    world.write("update messages set shown_version = 1 where key = 'root'")
    world.write("delete from messages where key != 'root'")
    world.write('delete from events where seq > 1')
    const [{ file = '' } = {}] = world.rows<{ file: string }>('select file from pragma_database_list')
    world.write(`vacuum into '${file}.backup'`)

    for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
    copyFileSync(`${file}.backup`, file)
    world.write(askFirst)
    await world.start()
    const question = await ann.waitForMessage(({ text }) => /^<@.* I don't know whether/.test(text), 15_000)
    expect(question.text).toContain('Dolly was restored from a backup.')
    expect(world.rows('select state from jobs')).toEqual([{ state: 'uncertain' }])
    expect(copies()).toBe(1)

    await ann.click({ channel: question.channel, ts: question.threadTs ?? '' }, 'job:check_again')
    await expect.poll(() => world.rows('select state from jobs'), { timeout: 20_000 }).toEqual([{ state: 'succeeded' }])
    expect(copies()).toBe(1)
  } finally {
    await world.close()
  }
}, 90_000)
