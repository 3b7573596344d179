/**
 * Loaded into the bot with `node --import`: watches its event loop from inside. When a file named `probe-ask` is there, it
 * answers with `probe-answer`: the longest stall since the last time, that of an idle thread beside it, which is the busy
 * machine's own, and the memory after a collection of garbage.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread, Worker } from 'node:worker_threads'

const everyMs = 10
const idle = `
const { workerData } = require('node:worker_threads')
const longest = new Float64Array(workerData)
let last = performance.now()
setInterval(() => {
  longest[0] = Math.max(longest[0], performance.now() - last - ${everyMs})
  last = performance.now()
}, ${everyMs})`

// The thread loads this file as well.
if (isMainThread) watch()

function watch() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const [ask, answer] = ['probe-ask', 'probe-answer'].map((name) => join(process.cwd(), name))
  const shared = new SharedArrayBuffer(8)
  const idleLongest = new Float64Array(shared)
  new Worker(idle, { eval: true, workerData: shared }).unref()
  let maxClaimMs = 0
  let mostBytes = 0
  let last = performance.now()
  let ticks = 0

  setInterval(() => {
    maxClaimMs = Math.max(maxClaimMs, performance.now() - last - everyMs)
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
    const facts = { stallMs: maxClaimMs, machineMs: idleLongest[0], bytes: process.memoryUsage.rss(), mostBytes }
    // Renamed into place, so that nobody reads half of it.
    writeFileSync(`${answer}.new`, JSON.stringify(facts))
    renameSync(`${answer}.new`, answer)
    maxClaimMs = 0
    mostBytes = 0
    idleLongest[0] = 0
  }
}
