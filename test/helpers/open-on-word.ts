/** Run as a process of its own: says that it is ready, and opens a database as soon as it is told anything. */
import { once } from 'node:events'
import { openDatabase } from '../../src/store/database.js'

const [file = ''] = process.argv.slice(2)
process.stdout.write('ready')
await once(process.stdin, 'data')
await (await openDatabase(file)).destroy()
