/** Run as a separate process: submits twenty jobs for one target and prints the outcome of each. */
import { openDatabase } from '../../src/store/database.js'
import { createJob } from '../../src/store/jobs.js'

const [file = '', name = '', draft = '{}'] = process.argv.slice(2)
const database = await openDatabase(file)
const kinds: string[] = []
for (let count = 0; count < 20; count += 1) {
  const creation = await createJob(database, { ...JSON.parse(draft), submission: `${name} ${count}` }, 1_000)
  kinds.push(creation.kind)
}
await database.destroy()
process.stdout.write(JSON.stringify(kinds))
