/**
 * Loaded into the bot with `node --import`: a machine whose clock jumps and whose disk is full at times. Two small files
 * beside the database say so: `clock` holds milliseconds to add to the time, `disk-full` is there or not and holds words of
 * the statements that fail, or nothing if all do.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

const clockFile = join(process.cwd(), 'clock')
const fullFile = join(process.cwd(), 'disk-full')

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const RealDate = Date
const realNow = Date.now
let offset = 0
let readAt = Number.NEGATIVE_INFINITY

function now() {
  // All processes of a machine have one clock; reading it this often keeps them within a few milliseconds.
  const asOf = performance.now()
  if (asOf - readAt > 5) {
    readAt = asOf
    offset = Number(read(clockFile) ?? 0)
  }
  return realNow() + offset
}

RealDate.now = now
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, by) =>
    Reflect.construct(target, args.length > 0 ? args : [now()], by === globalThis.Date ? target : by),
  apply: () => new RealDate(now()).toString(),
})

const writes = /^\s*(insert|update|delete|create|alter|commit|pragma wal_checkpoint)[^"]*"?(\w*)/i
const prepare = Sqlite.prototype.prepare
Sqlite.prototype.prepare = function (sql) {
  const [, verb, table] = writes.exec(sql) ?? []
  const words = verb && read(fullFile)
  if (words !== undefined && sql.includes(words)) {
    // bot-process.ts reads it and counts what was hit.
    process.stderr.write(`disk full at: ${`${verb} ${table}`.trim()}\n`)
    throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL')
  }
  return prepare.call(this, sql)
}
