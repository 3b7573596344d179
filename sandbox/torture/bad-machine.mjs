/**
 * Loaded into the bot with `node --import`: a machine whose clock jumps (see clock.mjs) and whose disk is full at times. A
 * small file says so: `disk-full` is there or not and holds words of the statements that fail, or nothing if all do.
 */
import '../clock.mjs'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

const fullFile = join(process.cwd(), 'disk-full')

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const writes = /^\s*(insert|update|delete|create|alter|commit|pragma wal_checkpoint)[^"]*"?(\w*)/i
const prepare = Sqlite.prototype.prepare
Sqlite.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  const [, verb, table] = writes.exec(sql) ?? []
  if (!verb) return statement
  // Each time it runs, since Dolly keeps its statements.
  for (const method of ['run', 'all']) {
    const carryOut = statement[method]
    statement[method] = (...values) => {
      const words = read(fullFile)
      if (words !== undefined && sql.includes(words)) {
        // bot-process.ts reads it and counts what was hit.
        process.stderr.write(`disk full at: ${`${verb} ${table}`.trim()}\n`)
        throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL')
      }
      return carryOut.apply(statement, values)
    }
  }
  return statement
}
