/** `npm run torture -- --kills 500 [--seed N] [--minutes M] [--report]` */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isClean, page, summary } from './report.js'
import { torture } from './torture.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    minutes: { type: 'string', default: '40' },
    report: { type: 'boolean', default: false },
  },
})
const [kills, seed, minutes] = [values.kills, values.seed, values.minutes].map(Number)
if (!kills || !minutes || seed === undefined || Number.isNaN(seed))
  throw new Error('--kills, --seed and --minutes take numbers.')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
console.log(`seed ${seed}`)
const result = await torture({ kills, seed, minutes, say: (line) => console.log(line) })
console.log(summary(result))
if (values.report) writeFileSync(new URL('../../docs/torture.md', import.meta.url), page(result))
console.log(`seed ${seed}`)
process.exit(isClean(result) && result.kills === kills ? 0 : 1)
