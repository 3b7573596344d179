/** Preloaded into the bot by bench/idle.ts: counts the statements that it runs, and keeps the number in a file. */
const { writeFileSync } = require('node:fs')
const Database = require('better-sqlite3')

let count = 0
const { prepare } = Database.prototype
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  for (const method of ['run', 'all']) {
    const carryOut = statement[method]
    statement[method] = (...values) => {
      count += 1
      return carryOut.apply(statement, values)
    }
  }
  return statement
}
setInterval(() => writeFileSync(process.env.COUNT_FILE, `${count}`), 100).unref()
