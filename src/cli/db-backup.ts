/** `dolly db backup`: copies the SQLite file, and says what is in the copy. */
import { backUpDatabase } from '../store/backup.js'
import { withConfiguration } from './configured.js'

export async function run([target = '']: readonly string[]): Promise<number> {
  return await withConfiguration(async ({ config: { database } }) => {
    const { bytes, liveJobs } = await backUpDatabase(database, target)
    const jobs = liveJobs === 1 ? '1 live job' : `${liveJobs} live jobs`
    process.stdout.write(
      `Backed up ${database} to ${target}: ${(bytes / 1e6).toFixed(1)} MB, with ${jobs}.\n` +
        'To restore it, stop Dolly, put the copy in the place of its database, and start Dolly: live jobs then ask a person first.\n',
    )
    return 0
  })
}
