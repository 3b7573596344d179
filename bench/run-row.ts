/** Measures one row in a process of its own, which bench/main.ts starts: `tsx bench/run-row.ts ack`. */
import type { Row } from './row.js'

const [id = '', ...flags] = process.argv.slice(2)
const { row }: { row: Row } = await import(`./rows/${id}.js`)
const figures = await row.measure({ isQuick: flags.includes('--quick') })
// Whatever a row left running would keep this process alive.
if (process.send) process.send(figures, () => process.exit(0))
else console.table(figures)
