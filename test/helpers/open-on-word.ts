/** Run as a separate process: prints "ready", and opens a database as soon as it gets any input. */
import { once } from 'node:events'
import { openDatabase } from '../../src/store/database.js'

const [file = ''] = process.argv.slice(2)
process.stdout.write('ready')
await once(process.stdin, 'data')
await (await openDatabase(file)).destroy()
