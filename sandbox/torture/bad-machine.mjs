/**
 * Loaded into the bot with `node --import`: a machine whose clock jumps and whose disk is full at times. Two small files
 * beside the database say so: `clock` holds milliseconds to add to the time, `disk-full` is there or not.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

const clockFile = join(process.cwd(), 'clock')
const fullFile = join(process.cwd(), 'disk-full')

const RealDate = Date
const realNow = Date.now
let offset = 0
let readAt = Number.NEGATIVE_INFINITY

function now() {
  // All processes of a machine have one clock; reading it this often keeps them within a few milliseconds.
  const asOf = performance.now()
  if (asOf - readAt > 5) {
    readAt = asOf
    offset = existsSync(clockFile) ? Number(readFileSync(clockFile, 'utf8')) : 0
  }
  return realNow() + offset
}

RealDate.now = now
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, by) =>
    Reflect.construct(target, args.length > 0 ? args : [now()], by === globalThis.Date ? target : by),
  apply: () => new RealDate(now()).toString(),
})

const prepare = Sqlite.prototype.prepare
Sqlite.prototype.prepare = function (sql) {
  if (/^\s*(insert|update|delete|create|alter|commit)/i.test(sql) && existsSync(fullFile)) {
    throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL')
  }
  return prepare.call(this, sql)
}
