/**
 * How long the built bot blocks, and how much memory it keeps, under each kind of hostile input.
 * `npm run bench:hostile -- lock` runs only the inputs with this word in their name.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Input, inputs, makeJob, withRetries } from './hostile-inputs.js'
import { type HostileWorld, startHostileWorld } from './hostile-world.js'

const MAX_STALL_MS = 200
const MAX_HEALTH_MS = 1_000
const MAX_GROWTH_BYTES = 50_000_000
/** How long an input that lasts goes on. */
const LASTS_MS = 20_000
/** How long after the last input the memory is read. */
const SETTLE_MS = 3_000

const wanted = process.argv[2] ?? ''
const rows: Record<string, object> = {}
let isWell = true
for (const input of inputs.filter(({ name }) => name.includes(wanted))) {
  process.stderr.write(`${input.name} …\n`)
  const first = await measure(input).catch(notRun)
  // A busy machine causes stalls now and then; what is really slow is slow again in a second run.
  const row = first.verdict === 'pass' ? first : await measure(input).catch(notRun)
  rows[input.name] = row
  isWell &&= row.verdict === 'pass'
}
console.table(rows)
console.log(
  `Limits: the event loop blocks for at most ${MAX_STALL_MS} ms more than that of an idle thread, /healthz answers within ${MAX_HEALTH_MS} ms, and memory grows by at most ${MAX_GROWTH_BYTES / 1e6} MB after a garbage collection.`,
)
process.exit(isWell ? 0 : 1)

/** A row for an input that couldn't be run; the others run all the same. */
function notRun(error: unknown) {
  return { verdict: 'FAIL', remark: `not run: ${error}`.slice(0, 60) }
}

async function measure({ play, count = 0 }: Input) {
  const world = await startHostileWorld(count)
  try {
    // Warm up first, so that loaded modules and filled caches aren't measured.
    await withRetries(() => makeJob(world, 'warm'))
    await delay(SETTLE_MS)
    const before = await world.probe()
    const health = watchHealth(world)
    const problem = await play(world, LASTS_MS).then(
      () => '',
      (error) => (error instanceof Error ? error.message : String(error)),
    )
    await delay(SETTLE_MS)
    const healthMs = await health.stop()
    const after = await world.probe()
    const end = world.end()
    const growth = (after?.bytes ?? Number.NaN) - (before?.bytes ?? 0)
    // A stall of the idle thread too is the machine's.
    const noiseMs = after?.machineMs ?? 0
    // An input that couldn't be run to its end proves nothing.
    const isFine =
      end === undefined && problem === '' && (after?.stallMs ?? Number.POSITIVE_INFINITY) - noiseMs <= MAX_STALL_MS
    const verdict = isFine && healthMs - noiseMs <= MAX_HEALTH_MS && growth <= MAX_GROWTH_BYTES ? 'pass' : 'FAIL'
    return {
      verdict,
      'stall ms': rounded(after?.stallMs),
      'idle thread ms': rounded(after?.machineMs),
      '/healthz ms': rounded(healthMs),
      'MB before': rounded((before?.bytes ?? Number.NaN) / 1e6),
      'MB after': rounded((after?.bytes ?? Number.NaN) / 1e6),
      'MB at most': rounded((after?.maxBytes ?? Number.NaN) / 1e6),
      remark: end === undefined ? problem.slice(0, 60) : `the process ended with ${end}`,
    }
  } finally {
    await world.close()
  }
}

function rounded(number: number | undefined): number | string {
  return number === undefined || Number.isNaN(number) ? '–' : Math.round(number)
}

/** Requests /healthz again and again; `stop` returns the longest time an answer took. */
function watchHealth({ url, end }: HostileWorld): { stop(): Promise<number> } {
  let isOver = false
  let maxMs = 0
  async function watch(): Promise<void> {
    while (!isOver && end() === undefined) {
      const began = performance.now()
      await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(60_000) }).catch(() => undefined)
      maxMs = Math.max(maxMs, performance.now() - began)
      await delay(50)
    }
  }
  const watching = watch()
  return {
    stop: async () => {
      isOver = true
      await watching
      return maxMs
    },
  }
}
