/** Preloaded into the bot by bench/idle.ts: counts the statements that it prepares, and keeps the number in a file. */
const { writeFileSync } = require('node:fs')
const Database = require('better-sqlite3')

let count = 0
const { prepare } = Database.prototype
Database.prototype.prepare = function (...args) {
  count += 1
  return prepare.apply(this, args)
}
setInterval(() => writeFileSync(process.env.COUNT_FILE, `${count}`), 100).unref()
