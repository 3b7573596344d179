/**
 * Loaded with `node --import`: a process whose clock can be set, while timers and `performance` go on as they do. The file
 * that SANDBOX_CLOCK names holds milliseconds to add to the time.
 */
import { readFileSync } from 'node:fs'

const RealDate = Date
const realNow = Date.now
let offset = 0
let readAt = Number.NEGATIVE_INFINITY
const listeners = []

/** Calls back whenever somebody has set the clock. */
export function onLeap(listener) {
  listeners.push(listener)
}

function now() {
  // All processes of a machine have one clock; reading it this often keeps them within a few milliseconds.
  const asOf = performance.now()
  if (asOf - readAt > 5) {
    readAt = asOf
    const before = offset
    offset = readOffset()
    if (offset !== before) for (const listener of listeners) listener()
  }
  return realNow() + offset
}

function readOffset() {
  // Read each time: the demo only learns while it runs where the file is.
  const file = process.env.SANDBOX_CLOCK
  try {
    return file ? Number(readFileSync(file, 'utf8')) : 0
  } catch {
    return 0
  }
}

RealDate.now = now
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, by) =>
    Reflect.construct(target, args.length > 0 ? args : [now()], by === globalThis.Date ? target : by),
  apply: () => new RealDate(now()).toString(),
})
