/** bench/results.svg: each figure as a part of its goal, so that one line divides what is reached from what is missed. */
import type { Measured } from './report.js'
import { goalOf, inWords } from './report.js'
import { type Figure, isReached, ratioOf } from './row.js'

const WIDTH = 1080
/** Room for the names, and for the figures behind the bars. */
const LEFT = 480
const RIGHT = 250
const BAR = 14
const STEP = 22
const TOP = 68
/** What is longer is cut: its figure says how long it is. */
const MAX_SHARE = 2
/** Bars this short would be invisible. */
const MIN_SHARE = 0.005
/** Readable on white and on GitHub's dark background. */
const STYLE = `
  text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-size: 14px; font-weight: 600 }
  .small { fill: #59636e }
  .reached { fill: #2da44e }
  .missed { fill: #cf222e }
  .goal { stroke: #59636e; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .goal { stroke: #9198a1 }
    .reached { fill: #3fb950 }
    .missed { fill: #f85149 }
  }`

export function chart(measured: readonly Measured[]): string {
  const bars = measured.flatMap(({ title, figures }) => figures.map((figure) => ({ title, figure })))
  const height = TOP + bars.length * STEP + 16
  const goalX = xOf(1)
  const body = bars.map(({ title, figure }, at) => bar(title, figure, TOP + at * STEP)).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Each figure of npm run bench as a part of its goal">
<style>${STYLE}
</style>
<text class="title" x="12" y="22">How fast Dolly is, each figure as a part of its goal: shorter is better</text>
<text class="small" x="12" y="42">Beside each name: Dolly's figure, and the goal as a ratio to a rival or a limit of the same run</text>
<text class="small" x="${goalX}" y="${TOP - 6}" text-anchor="middle">goal</text>
<line class="goal" x1="${goalX}" y1="${TOP}" x2="${goalX}" y2="${height - 12}"/>
${body}
</svg>
`
}

function bar(title: string, figure: Figure, y: number): string {
  const share = shareOf(figure)
  const width = xOf(Math.min(Math.max(share, MIN_SHARE), MAX_SHARE)) - LEFT
  const words = `${inWords(figure.ours, figure.unit)}, ${ratioOf(figure).toFixed(2)}× (${goalOf(figure)})`
  const label = cut(`${title}: ${figure.what}`)
  const state = isReached(figure) ? 'reached' : 'missed'
  return `<text x="${LEFT - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text>
<rect class="${state}" x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"><title>${escaped(`${title}: ${figure.what}: ${words}, ${state}`)}</title></rect>
<text class="small" x="${WIDTH - RIGHT + 12}" y="${y + 11}">${escaped(words)}</text>`
}

/** 1 is the goal; less is better, also for what should be large. */
function shareOf(figure: Figure): number {
  const ratio = ratioOf(figure)
  return 'atMost' in figure.goal ? ratio / figure.goal.atMost : figure.goal.atLeast / ratio
}

function xOf(share: number): number {
  return LEFT + (share / MAX_SHARE) * (WIDTH - LEFT - RIGHT)
}

const MAX_LABEL = 72

function cut(text: string): string {
  return text.length <= MAX_LABEL ? text : `${text.slice(0, MAX_LABEL - 1)}…`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
