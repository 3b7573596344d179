import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { better, defineQueue } from 'plainjob'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { openDatabase } from '../../src/store/database.js'
import { testContext } from '../../test/helpers/context.js'
import { inTurn, median, timed } from '../in-turn.js'
import type { Row } from '../row.js'

export const row: Row = {
  title: 'jobs per second: claim → transition → event, SQLite',
  maxMs: 90_000,
  async measure({ isQuick }) {
    const [rounds, jobs] = isQuick ? [1, 100] : [5, 500]
    const folder = mkdtempSync(join(tmpdir(), 'jobs-'))
    let files = 0
    const newFile = () => {
      files += 1
      return join(folder, `${files}.db`)
    }

    async function dolly(): Promise<number> {
      const db = await openDatabase(newFile())
      const context = await testContext({ db })
      for (let count = 0; count < jobs; count += 1) await context.ask()
      await db.updateTable('jobs').set({ state: 'working', dueAt: 0, ref: '{"id":"1"}' }).execute()
      context.world.observation = { phase: 'done' }
      const ms = await timed(async () => {
        while (await pollDueJobs(context, 'dummy-one'));
      })
      await db.destroy()
      return (jobs * 1_000) / ms
    }

    async function plainjob(): Promise<number> {
      const sqlite = new Sqlite(newFile())
      const queue = defineQueue({ connection: better(sqlite), logger: SILENT })
      // As Dolly's. It sets NORMAL, which may lose the last jobs in a power cut.
      sqlite.pragma('synchronous = FULL')
      for (let count = 0; count < jobs; count += 1) queue.add('clone', { name: `copy-${count}` })
      const ms = await timed(() => {
        for (let job = queue.getAndMarkJobAsProcessing('clone'); job; job = queue.getAndMarkJobAsProcessing('clone'))
          queue.markJobAsDone(job.id)
      })
      queue.close()
      return (jobs * 1_000) / ms
    }

    const rates = await inTurn(rounds, { dolly, plainjob })
    rmSync(folder, { recursive: true })
    return [
      {
        what: 'SQLite',
        ours: median(rates.dolly),
        theirs: median(rates.plainjob),
        unit: 'jobs/s',
        against: 'plainjob',
        goal: { atLeast: 1 },
        why: 'Both at synchronous=FULL. plainjob changes one row in each of two commits; Dolly writes job, event and audit, and commits 25 jobs that one poll saw together.',
      },
    ]
  },
}

const SILENT = { error() {}, warn() {}, info() {}, debug() {} }
