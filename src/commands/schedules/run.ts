/** One run of a schedule, as its owner: the same checks as `now`, at each run. */
import type { Asker } from '../../access/rules.js'
import type { Preset } from '../../domain/preset.js'
import type { EndedRun, Schedule } from '../../domain/schedule.js'
import { TemporaryError, UserError } from '../../errors.js'
import { isSlackUnreachable } from '../../slack/api/errors.js'
import { brief } from '../../slack/text.js'
import { readPreset } from '../../store/presets.js'
import { allows } from '../presets/access.js'
import { runPreset, threadPlace } from '../presets/run.js'
import type { Services } from '../services.js'

/** For one run, in milliseconds: nobody waits for it. */
const RUN_TIMEOUT_MS = 20_000

/** What the run came to. Reasons are plain sentences for the owner, who reads them in `channel`. */
export type ScheduleRun = { kind: 'started' } | (Reason & { channel: string })

interface Reason {
  kind: 'refused' | 'later'
  reason: string
}

/** @throws ScheduleChanged when the schedule is no longer as it was; whatever is a bug. */
export async function runSchedule(
  services: Services,
  schedule: Schedule,
  submission: string,
  endedRun: EndedRun,
): Promise<ScheduleRun> {
  // Without a preset or an owner nobody knows where its threads go.
  const toOwner = { channel: schedule.owner }
  try {
    const preset = await readPreset(services.db, schedule.presetId)
    if (!preset) return { kind: 'refused', reason: 'The preset was deleted.', ...toOwner }
    const { asker, here } = await ownerOf(services, schedule)
    const how = { submission, endedRun, zone: schedule.zone, here }
    const run = await runAsOwner(services, asker, preset, how).catch(reasonOf)
    if (run.kind === 'started') return run
    return { ...run, ...(await threadPlace(services, asker, preset, here)) }
  } catch (error) {
    return { ...reasonOf(error), ...toOwner }
  }
}

async function runAsOwner(
  services: Services,
  asker: Asker,
  preset: Preset,
  how: Parameters<typeof runPreset>[3],
): Promise<{ kind: 'started' } | Reason> {
  if (!allows(services, asker, preset, 'schedule'))
    return { kind: 'refused', reason: `You can't schedule this any more. Ask ${services.access.owner} for access.` }
  const startedAt = services.elapsed()
  const remainingMs = () => startedAt + RUN_TIMEOUT_MS - services.elapsed()
  const run = await runPreset({ ...services, remainingMs }, asker, preset, how)
  if (run.kind === 'started') return { kind: 'started' }
  if (run.kind !== 'locked') return run
  const { id, target } = run.holder
  return { kind: 'refused', reason: `Job ${id} is still working on ${brief(target)}.` }
}

/** Why no job came of it, by what was thrown. @throws the error itself if it is a bug, or says that the schedule has changed. */
function reasonOf(error: unknown): Reason {
  if (error instanceof UserError) return { kind: 'refused', reason: error.message }
  if (error instanceof TemporaryError) return { kind: 'later', reason: error.message }
  if (isSlackUnreachable(error)) return { kind: 'later', reason: "Slack didn't say who you are." }
  throw error
}

/**
 * The owner as they are now, for the rules in the schedule's channel only if Slack says that they are in it. `here` is where
 * the thread goes: also to a channel whose members Slack doesn't show us, but to none that they left.
 */
async function ownerOf(
  { people }: Services,
  { owner, channel }: Schedule,
): Promise<{ asker: Asker; here: string | null }> {
  const person = await people.lookUp(owner)
  const confirmed = (await people.channelStatus(owner, channel)) === 'joined' ? channel : null
  return { asker: { ...person, channel: confirmed }, here: people.choosableChannels === 'none' ? channel : confirmed }
}
