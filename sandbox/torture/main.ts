/** `npm run torture -- --kills 500 [--database postgres --replicas 3] [--seed N] [--minutes M] [--report]` */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { page } from './page.js'
import { isClean, summary } from './report.js'
import { torture } from './torture.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    database: { type: 'string', default: 'sqlite' },
    replicas: { type: 'string', default: '3' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    minutes: { type: 'string', default: '40' },
    report: { type: 'boolean', default: false },
  },
})
const [kills, seed, minutes] = [values.kills, values.seed, values.minutes].map(Number)
if (!kills || !minutes || seed === undefined || Number.isNaN(seed))
  throw new Error('--kills, --seed and --minutes take numbers.')
if (!['sqlite', 'postgres'].includes(values.database)) throw new Error('--database is sqlite or postgres.')
const replicas = values.database === 'postgres' ? Number(values.replicas) : undefined
if (replicas !== undefined && !(replicas >= 1 && replicas <= 10))
  throw new Error('--replicas is a number from 1 to 10.')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
console.log(`seed ${seed}`)
const result = await torture({ kills, seed, minutes, replicas, say: (line) => console.log(line) })
console.log(summary(result))
const file = new URL('../../docs/torture.md', import.meta.url)
if (values.report) writeFileSync(file, page(result, readFileSync(file, 'utf8')))
console.log(`seed ${seed}`)
process.exit(isClean(result) && result.kills === kills ? 0 : 1)
