/**
 * Measures every row, prints one table, and writes bench/results.md and bench/results.svg.
 *
 *     npm run bench
 *     npm run bench -- --only ack      one row, or several: --only ack,start. Writes nothing
 *     npm run bench -- --quick         small numbers, for a look whether it works. Writes nothing
 *
 * Each row has a process of its own and a deadline. Whatever it started ends with it, and its files are deleted.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chart } from './chart.js'
import { inWords, type Measured, markdown } from './report.js'
import { type Figure, isReached, type Row, ratioOf } from './row.js'

/** The files in bench/rows/, in the order of the table. */
const ROWS = [
  'ack',
  'submission',
  'jobs-sqlite',
  'jobs-postgres',
  'poll-calls',
  'tick-cpu',
  'claim',
  'told',
  'one-channel',
  'start',
  'memory',
  'stall',
  'recovery',
  'idle',
  'replicas',
] as const
/** How long a row's process may take to end once it's done or out of time, in milliseconds. */
const MAX_END_MS = 10_000
/** Characters of an error in the table. */
const MAX_REASON = 150

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })
const only = values.only?.split(',') ?? ROWS
const unknown = only.filter((id) => !ROWS.some((known) => known === id))
if (unknown.length > 0) {
  console.error(`There's no row "${unknown.join('", "')}". The rows are ${ROWS.join(', ')}.`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'dolly-bench-'))
// Postgres runs as another user if this one is root.
chmodSync(folder, 0o755)
let running: ChildProcess | undefined
process.on('exit', () => {
  if (running) killGroup(running)
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const began = performance.now()
const all: Measured[] = []
for (const id of ROWS.filter((row) => only.includes(row))) {
  const { row }: { row: Row } = await import(`./rows/${id}.js`)
  process.stderr.write(`${row.title} …\n`)
  const startedAt = performance.now()
  const result = await measure(id, row)
  all.push({ id, title: row.title, seconds: Math.round((performance.now() - startedAt) / 1_000), ...result })
}
const minutes = (performance.now() - began) / 60_000
print(all)
console.log(`${minutes.toFixed(1)} min`)
if (values.only === undefined && !values.quick) {
  writeFileSync(fileURLToPath(new URL('results.md', import.meta.url)), markdown(all, minutes))
  writeFileSync(fileURLToPath(new URL('results.svg', import.meta.url)), chart(all))
  console.log('Written to bench/results.md and bench/results.svg.')
}
process.exit(all.every(({ problem }) => problem === undefined) ? 0 : 1)

/** Measures a row in a process group of its own, so that nothing it started outlives it. */
async function measure(id: string, { maxMs }: Row): Promise<Pick<Measured, 'figures' | 'problem'>> {
  const program = fileURLToPath(new URL('run-row.ts', import.meta.url))
  const child = fork(program, [id, ...(values.quick ? ['--quick'] : [])], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, TMPDIR: folder },
  })
  running = child
  let figures: Figure[] = []
  let errors = ''
  let isLate = false
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(0, 10_000)
  })
  child.on('message', (message: Figure[]) => {
    figures = message
    // It may take its time to stop what it started.
    setTimeout(() => killGroup(child), MAX_END_MS).unref()
  })
  const timer = setTimeout(() => {
    isLate = true
    killGroup(child)
  }, maxMs)
  const ended = new Promise((resolve) => child.once('close', resolve))
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
  // What it started may have survived it, and would hold its output open.
  killGroup(child)
  await ended
  running = undefined
  if (figures.length > 0) return { figures }
  process.stderr.write(errors)
  const problem = isLate ? `It took longer than ${maxMs / 1_000} s.` : `It ended with ${code}: ${reasonIn(errors)}`
  return { figures, problem }
}

/** A row's process and all that it started. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // All of them have ended.
  }
}

function reasonIn(errors: string): string {
  const line = /^\w*Error: .*$/m.exec(errors)?.[0] ?? errors.split('\n')[0] ?? ''
  return line.slice(0, MAX_REASON)
}

function print(measured: readonly Measured[]): void {
  const lines = measured.flatMap(({ id, title, figures, problem }) =>
    problem === undefined
      ? figures.map((figure) => ({
          row: id,
          what: figure.what,
          ours: inWords(figure.ours, figure.unit),
          against: `${inWords(figure.theirs, figure.unit)} ${figure.against}`,
          ratio: `${ratioOf(figure).toFixed(2)}×`,
          goal: 'atMost' in figure.goal ? `≤ ${figure.goal.atMost}×` : `≥ ${figure.goal.atLeast}×`,
          reached: isReached(figure) ? 'yes' : 'NO',
        }))
      : [{ row: id, what: title, ours: problem }],
  )
  console.table(lines)
}
