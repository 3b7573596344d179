/** `dolly db restored`: lets a restored database ask before anything is done again. */
import { askAfterRestoreAt, type Restored } from '../store/restored.js'
import { withConfiguration } from './configured.js'

export async function run(): Promise<number> {
  return await withConfiguration(async ({ config: { database } }) => {
    const { place, ...restored } = await askAfterRestoreAt(database, { now: Date.now() })
    process.stdout.write(`${describeRestored(place, restored)}\n`)
    return 0
  })
}

export function describeRestored(place: string, { jobs, schedules, expiries }: Restored): string {
  const lines = [
    jobs > 0 && `Live jobs that will ask a person in their threads how to go on: ${jobs}.`,
    schedules > 0 && `Schedules that skip the times which have passed: ${schedules}.`,
    expiries > 0 && `Clones that expire within a day, and get a new warning a day before: ${expiries}.`,
  ].filter((line) => line !== false)
  const changes = lines.length === 0 ? ['Nothing in it could be done twice.'] : lines
  return [`Dolly can start on ${place} now.`, ...changes, 'Next: start Dolly.'].join('\n')
}
