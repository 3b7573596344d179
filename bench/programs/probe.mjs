/**
 * Loaded into the bot with `node --import`: measures its event loop from inside. When a file named `probe-ask` appears, it
 * writes `probe-answer`: the longest stall since the last time, that of an idle thread (which is the machine's own share),
 * and the memory after a garbage collection.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread, Worker } from 'node:worker_threads'

const INTERVAL_MS = 10
const IDLE_THREAD = `
const { workerData } = require('node:worker_threads')
const maxMs = new Float64Array(workerData)
let last = performance.now()
setInterval(() => {
  maxMs[0] = Math.max(maxMs[0], performance.now() - last - ${INTERVAL_MS})
  last = performance.now()
}, ${INTERVAL_MS})`

// The idle thread loads this file too.
if (isMainThread) watch()

function watch() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const [ask, answer] = ['probe-ask', 'probe-answer'].map((name) => join(process.cwd(), name))
  const shared = new SharedArrayBuffer(8)
  const idleMaxMs = new Float64Array(shared)
  new Worker(IDLE_THREAD, { eval: true, workerData: shared }).unref()
  let maxStallMs = 0
  let maxBytes = 0
  let last = performance.now()
  let ticks = 0

  setInterval(() => {
    maxStallMs = Math.max(maxStallMs, performance.now() - last - INTERVAL_MS)
    ticks += 1
    if (ticks % 5 === 0) {
      maxBytes = Math.max(maxBytes, process.memoryUsage.rss())
      if (existsSync(ask)) report()
    }
    last = performance.now()
  }, INTERVAL_MS).unref()

  function report() {
    rmSync(ask)
    collect()
    collect()
    const facts = { stallMs: maxStallMs, machineMs: idleMaxMs[0], bytes: process.memoryUsage.rss(), maxBytes }
    // Renamed into place, so that it can't be read half-written.
    writeFileSync(`${answer}.new`, JSON.stringify(facts))
    renameSync(`${answer}.new`, answer)
    maxStallMs = 0
    maxBytes = 0
    idleMaxMs[0] = 0
  }
}
