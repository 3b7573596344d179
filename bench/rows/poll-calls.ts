import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startCoolify } from '../../sandbox/providers/coolify.js'
import { startHoody } from '../../sandbox/providers/hoody.js'
import { startMiget } from '../../sandbox/providers/miget.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import { NO_EXPIRY } from '../../src/domain/expiry.js'
import { pollDueJobs } from '../../src/jobs/poll.js'
import { createApi } from '../../src/providers/http.js'
import { openDatabase } from '../../src/store/database.js'
import { addRunningJobs, manyOf, providerOf, workerContext } from '../fleet.js'
import type { Figure, Row } from '../row.js'

/** Rainbond has no list: each job takes a call of its own. */
const STARTERS = [startCloudFoundry, startCoolify, startHoody, startMiget, startQovery] as const

export const row: Row = {
  title: 'calls to poll running jobs once',
  maxMs: 150_000,
  async measure({ isQuick }) {
    const figures: Figure[] = []
    for (const count of isQuick ? [500, 1_000] : [1_000, 10_000]) {
      const rows: Measured[] = []
      for (const start of STARTERS) rows.push(await poll(start, count / STARTERS.length))
      const sum = (key: 'calls' | 'collections') => rows.reduce((total, row) => total + row[key], 0)
      const each = rows.map(({ name, calls, collections }) => `${name} ${calls} for ${collections}`).join(', ')
      figures.push(
        figureOf(`${count.toLocaleString('en')} at five connections`, sum('calls'), sum('collections'), each),
      )
    }
    const count = isQuick ? 1_000 : 6_000
    const { calls, collections } = await poll(startHoody, count)
    figures.push(figureOf(`${count.toLocaleString('en')} at one connection`, calls, collections, ONE_RUN))
    return figures
  },
}

const ONE_RUN = 'One run polls all of them: pages of a hundred containers'

function figureOf(what: string, ours: number, theirs: number, each: string): Figure {
  const why = `${each}. A collection is what one answer can hold: a whole list, or a page of a hundred. Rainbond is left out: it has no list, so each job is a collection.`
  return { what, ours, theirs, unit: 'calls', against: 'collections that hold them', goal: { atMost: 1 }, why }
}

interface Measured {
  name: string
  calls: number
  collections: number
}

/** Polls so many jobs of a provider once. */
async function poll(start: (typeof STARTERS)[number], count: number): Promise<Measured> {
  const simulator = await start({ count })
  // A job with an unknown status is polled on, so every job stays live.
  simulator.setSwitch('unknown-status', true)
  const provider = providerOf(simulator.id)
  const { many } = await manyOf(simulator.id)
  const api = createApi('bench', provider.client(provider.connection.parse(simulator.connection)))
  const refs = (await many.refs(provider, api, count)).slice(0, count)
  if (refs.length !== count) throw new Error(`${provider.name} has only ${refs.length} things to poll.`)
  const db = await openDatabase(':memory:')
  const connection = { name: 'bench', provider, host: 'bench.example', api, expiry: NO_EXPIRY }
  const context = workerContext(db, new Map([['bench', connection]]))
  await addRunningJobs(context, 'bench', { many, refs })
  const before = simulator.requests()
  while (await pollDueJobs(context, 'bench'));
  const calls = simulator.requests() - before
  const polled = await db.selectFrom('jobs').select('id').where('version', '>', 1).execute()
  if (polled.length !== count) throw new Error(`Only ${polled.length} jobs of ${provider.name} were polled.`)
  await db.destroy()
  await simulator.close()
  return { name: provider.name, calls, collections: many.calls(count) }
}
