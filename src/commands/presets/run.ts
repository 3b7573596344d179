/** A preset becomes a job without a form: with `now`, from a list, or on a schedule. */
import type { Asker } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { HERE, type Preset } from '../../domain/preset.js'
import type { EndedRun } from '../../domain/schedule.js'
import type { Operation } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { shownNames } from '../../slack/form/last-page.js'
import { answersOfSaved } from '../../slack/form/saved.js'
import { createJob } from '../../store/jobs.js'
import { approvalFor } from '../approvals/request.js'
import { resolveDestination } from '../clone/destinations.js'
import { prepareJob, type Starting } from '../clone/prepare-job.js'
import { jobOf } from '../clone/start-job.js'
import { findTarget, type Services } from '../services.js'
import { mentions, type Preferences, readPreferences } from '../settings/preferences.js'

/** What became of it. Reasons are plain text. */
export type PresetRun =
  /** `isNew` is false where this very submission was taken before. */
  | { kind: 'started'; job: Job; isNew: boolean; warnings: readonly string[] }
  | { kind: 'locked'; holder: Job }
  | { kind: 'refused'; reason: string }
  /** Nothing is wrong with it, but it can't be checked now. */
  | { kind: 'later'; reason: string }

/**
 * Starts a preset's job, with all the checks that a form goes through.
 *
 * @param submission so that one request that arrives twice is one job.
 * @param here the conversation that a preset for "here" means, if it isn't the asker's.
 * @throws UserError when this person can't start it, or its connection or operation is gone.
 */
export async function runPreset(
  services: Starting,
  asker: Asker,
  preset: Preset,
  {
    submission,
    zone,
    endedRun,
    here = asker.channel,
  }: { submission: string; zone?: string; endedRun?: EndedRun; here?: string | null },
): Promise<PresetRun> {
  const target = findTarget(services, preset.connection, preset.operation)
  const given = answersOfSaved(target.operation, preset)
  // There's no form to ask, so what this person prefers counts.
  const preferences = await readPreferences(services.db, asker.id, here)
  const place = placeOf(services, asker, preset, here, preferences)
  const prepared = await prepareJob(services, asker, target, given, place, zone)
  if (prepared.kind === 'errors') return { kind: 'refused', reason: problemsIn(target.operation, prepared.errors) }
  if (prepared.kind === 'unread') return { kind: 'later', reason: prepared.reason }
  if (prepared.kind === 'locked') return prepared
  const { params, channel, answers, checked, keepForMs } = prepared
  const warnings = checked.isChecked ? checked.warnings : []
  const preview = target.operation.preview(params, shownNames(answers))
  const warning = [preview.warning, ...warnings].filter(Boolean).join(' ')
  const approval = approvalFor(services, asker, prepared.approval, { ...preview, warning })
  const { onFailure: mentionOnFailure, onSuccess: mentionOnSuccess } = mentions(preferences.tell)
  const facts = { askedIn: asker.channel, mentionOnSuccess, keepForMs, approval }
  const wanted = jobOf(target, { params, channel, named: answers.named, ...facts }, { submission, requester: asker.id })
  const creation = await createJob(
    services.db,
    { ...wanted, mentionOnFailure, ...(endedRun && { endedRun }) },
    services.now(),
  )
  if (creation.kind === 'locked') return creation
  const about = {
    job: creation.job.id,
    connection: preset.connection,
    operation: preset.operation,
    preset: preset.name,
  }
  if (creation.kind === 'created') services.log.info(about, 'a job was created from a preset')
  services.wake()
  return { kind: 'started', job: creation.job, isNew: creation.kind === 'created', warnings }
}

/** Where the preset's thread goes, for a person and the conversation that "here" means. */
export async function threadPlace(
  services: Services,
  asker: Asker,
  preset: Pick<Preset, 'channel'>,
  here = asker.channel,
): Promise<{ channel: string }> {
  return await placeOf(services, asker, preset, here, await readPreferences(services.db, asker.id, here))
}

/** To the person's direct messages where it can't go where the preset says any more. */
async function placeOf(
  services: Services,
  asker: Asker,
  { channel }: Pick<Preset, 'channel'>,
  here: string | null,
  { place: preferred }: Preferences,
): Promise<{ channel: string }> {
  if (channel === HERE && (here === null || preferred === 'mine')) return { channel: asker.id }
  const place = await resolveDestination(services, { ...asker, channel: here }, channel)
  return 'problem' in place ? { channel: asker.id } : place
}

/** What is wrong with answers, as sentences that name each field by its title. */
export function problemsIn(operation: Operation, errors: Readonly<Record<string, string>>): string {
  const fields = fieldsOf(operation)
  const sentences = Object.entries(errors).map(([key, problem]) => {
    const title = fields.find((field) => field.key === key)?.title
    return title === undefined ? problem : `${title}: ${problem}`
  })
  return sentences.join(' ')
}
