/**
 * Loaded into the bot with `node --import`: watches its event loop from inside. When a file named `probe-ask` is there, it
 * answers with `probe-answer`: the longest stall since the last time and the memory after a collection of garbage.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const [ask, answer] = ['probe-ask', 'probe-answer'].map((name) => join(process.cwd(), name))
const everyMs = 10

let longestMs = 0
let mostBytes = 0
let last = performance.now()
let ticks = 0

setInterval(() => {
  longestMs = Math.max(longestMs, performance.now() - last - everyMs)
  ticks += 1
  if (ticks % 5 === 0) {
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss())
    if (existsSync(ask)) tell()
  }
  last = performance.now()
}, everyMs).unref()

function tell() {
  rmSync(ask)
  collect()
  collect()
  const facts = { stallMs: longestMs, bytes: process.memoryUsage.rss(), mostBytes }
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${answer}.new`, JSON.stringify(facts))
  renameSync(`${answer}.new`, answer)
  longestMs = 0
  mostBytes = 0
}
