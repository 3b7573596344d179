/** Run as a process of its own: copies a SQLite file to Postgres. */
import { copyDatabase } from '../../src/store/copy.js'

const [file = '', url = ''] = process.argv.slice(2)
await copyDatabase(file, url, { keys: [], now: Date.now() })
