import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { createApi } from '../../src/providers/http.js'
import { openDatabase } from '../../src/store/database.js'
import { findDueWork } from '../../src/store/due-work.js'
import { addFleet, makeDue, startFleet, withoutSync, workerContext } from '../fleet.js'
import { cpuOf, inTurn, median } from '../in-turn.js'
import type { Row } from '../row.js'

export const row: Row = {
  title: 'one tick with 10,000 running jobs on five connections, CPU',
  maxMs: 120_000,
  async measure({ isQuick }) {
    const [rounds, each] = isQuick ? [1, 100] : [5, 2_000]
    const fleet = await startFleet(each)
    const folder = mkdtempSync(join(tmpdir(), 'tick-'))
    const db = await openDatabase(join(folder, 'dolly.db'))
    await withoutSync(db, () => addFleet(db, fleet))
    const { replay, record } = recordAnswers()
    const now = Date.now()
    const context = workerContext(db, fleet.connections, now)

    async function tick(): Promise<number> {
      await makeDue(db, now)
      return await cpuOf(async () => {
        const due = await findDueWork(db, now)
        await Promise.all(due.map(({ connection }) => pollDueJobs(context, connection)))
        // After work the scheduler asks again.
        await findDueWork(db, now)
      })
    }

    /** Each provider reads the same answers, from memory and without a database. */
    async function parse(): Promise<number> {
      return await cpuOf(() => Promise.all([...fleet.connections.keys()].map(check)))
    }

    async function check(name: string): Promise<void> {
      const { many, refs } = fleet.jobs.get(name) ?? { many: undefined, refs: [] }
      const connection = fleet.connections.get(name)
      const { provider } = connection ?? {}
      const step = provider?.operations[many?.operation ?? '']?.steps[0]
      const simulator = fleet.simulators.find((one) => one.name === name)
      if (!connection || !provider || !step) throw new Error(`There is no step of ${name}.`)
      const api = createApi(name, provider.client(provider.connection.parse(simulator?.connection)))
      const answers = await step.check(api, refs, now)
      if (answers.length !== refs.length) throw new Error(`${name} answered about ${answers.length} jobs.`)
    }

    await record(async () => void (await parse()))
    const cpu = await inTurn(rounds, { dolly: tick, parsing: () => replay(parse) })
    await db.destroy()
    fleet.close()
    rmSync(folder, { recursive: true })
    return [
      {
        what: `${each * 5} jobs`,
        ours: median(cpu.dolly),
        theirs: median(cpu.parsing),
        unit: 'ms',
        against: 'parsing those answers alone',
        goal: { atMost: 2 },
        why: 'A tick finds what is due, claims, asks over HTTP, parses, decides, and changes the row of each job at synchronous=FULL. Parsing alone is the providers’ own check with the answers of a moment ago in memory. In a profile of ticks, SQLite takes the most, with two statements for 250 jobs, one that claims them and one that saves when they are polled next; then come turning rows into jobs, garbage collection, HTTP and deciding.',
      },
    ]
  },
}

/** Keeps all answers, and then answers from memory. */
function recordAnswers() {
  const { fetch } = globalThis
  const answers = new Map<string, { body: string; init: ResponseInit }>()
  const keyOf = (input: Parameters<typeof fetch>[0]) => (input instanceof Request ? input.url : `${input}`)
  const during = async <T>(replacement: typeof fetch, work: () => Promise<T>): Promise<T> => {
    globalThis.fetch = replacement
    try {
      return await work()
    } finally {
      globalThis.fetch = fetch
    }
  }
  const recording: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    const body = await answer.clone().text()
    const headers = { 'content-type': answer.headers.get('content-type') ?? 'application/json' }
    answers.set(keyOf(input), { body, init: { status: answer.status, headers } })
    return answer
  }
  const replaying: typeof fetch = async (input) => {
    const answer = answers.get(keyOf(input))
    if (!answer) throw new Error(`No answer was kept of ${keyOf(input)}.`)
    return new Response(answer.body, answer.init)
  }
  return {
    record: <T>(work: () => Promise<T>) => during(recording, work),
    replay: <T>(work: () => Promise<T>) => during(replaying, work),
  }
}
