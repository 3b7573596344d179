/** Saves a job, or the answers of a filled form, under a name. */
import type { Asker } from '../../access/rules.js'
import {
  HERE,
  MAX_PRESETS,
  MINE,
  type Preset,
  type PresetScope,
  presetName,
  presetNameProblem,
} from '../../domain/preset.js'
import { expandTemplate, isTemplate } from '../../domain/template.js'
import { UserError } from '../../errors.js'
import { durationAsTyped } from '../../lib/duration.js'
import type { Operation } from '../../providers/provider.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { KEEP_BLOCK } from '../../slack/form/keep.js'
import { NAME_BLOCK, type NameField, nameBlock, SCOPE_BLOCK } from '../../slack/form/preset-view.js'
import { answersOfSaved, savedAnswers } from '../../slack/form/saved.js'
import { brief } from '../../slack/text.js'
import { readDraft } from '../../store/drafts.js'
import { type NewPreset, savePreset } from '../../store/presets.js'
import { accessDenied } from '../authorize.js'
import { Draft, EXPIRED } from '../clone/form-submit.js'
import { answersOf } from '../clone/from-job.js'
import { SUGGESTED_NAME } from '../clone/suggest-name.js'
import { findJobFor } from '../jobs/access.js'
import { findTarget, type Services } from '../services.js'
import { allows, assertCanStart, readerOf } from './access.js'
import { takenWords } from './open.js'

/** Words after `preset` and `schedule`, and what people may type next. */
const SUBCOMMANDS = ['save', 'delete', 'list', 'pause', 'resume', 'edit']

/** What a preset keeps, before it has a name. */
export type Content = Omit<NewPreset, 'name' | 'scope' | 'owner' | 'repeats' | 'createdBy'>

/**
 * What a preset of this job keeps, before `withNames` says what it will make. Until then the target is the job's, so that the
 * page opens for people whose rules don't allow the suggested name; they type another one there.
 *
 * @throws UserError when there's no such job, or this person can't see it or start one like it.
 */
export async function contentOfJob(services: Services, asker: Asker, jobId: string): Promise<Content> {
  const job = await findJobFor(services, asker, jobId, { verb: 'status', act: 'see' })
  if (job.removes !== null) throw new UserError(`Job ${job.id} is a deletion, so it can't be repeated.`)
  const { connection, operation, labels, source, target, keepForMs } = job
  assertCanStart(services, asker, job)
  const declared = findTarget(services, connection, operation).operation
  const names = Object.fromEntries(namesOf(declared, {}).map(({ key, initial }) => [key, initial]))
  const channel = job.channel === job.askedIn ? HERE : job.channel === job.requester ? MINE : job.channel
  const values = { ...answersOf(job, declared), ...names }
  return { connection, operation, values, labels, source, target, channel, keepForMs }
}

/**
 * The same for the answers of a form that were checked.
 *
 * @returns also where the form was opened.
 * @throws UserError when they have expired, or are somebody else's.
 */
export async function contentOfForm(
  services: Services,
  asker: Asker,
  key: string,
): Promise<{ content: Content; channel: string | null }> {
  const kept = await readDraft(services.db, 'answers', key, asker.id, services.now())
  const { data: draft } = Draft.safeParse(kept?.answers)
  if (!draft) throw new UserError(EXPIRED)
  const { connection, operation, named, templates, askedIn } = draft
  assertCanStart(services, { ...asker, channel: askedIn }, draft)
  const declared = findTarget(services, connection, operation).operation
  const answers = { values: { ...draft.values, ...templates }, named: { ...named, ...templates } }
  const { from: source, to: target } = declared.summary(answers.named)
  const channel = draft.channel === askedIn ? HERE : draft.channel === asker.id ? MINE : draft.channel
  const { keepForMs } = draft
  const { values, labels } = savedAnswers(declared, answers)
  const keep = keepForMs === null ? {} : { [KEEP_BLOCK]: durationAsTyped(keepForMs) }
  const words = { source, target, channel, keepForMs }
  const content = { connection, operation, values: { ...values, ...keep }, labels, ...words }
  return { content, channel: askedIn }
}

/** The fields that name what is made: with the same name a second time nothing could be made. */
export function namesOf(operation: Operation, values: Readonly<Record<string, string>>): NameField[] {
  const named = fieldsOf(operation).filter(({ suggestFrom }) => suggestFrom !== undefined)
  return named.map(({ key, title }) => {
    const present = values[key] ?? ''
    return { key, title, initial: isTemplate(present) ? present : SUGGESTED_NAME }
  })
}

/**
 * The content with these names for what is made, and the target in their words.
 *
 * @throws UserError for a name that the field would refuse.
 */
export function withNames(services: Services, content: Content, names: Readonly<Record<string, string>>): Content {
  const { operation } = findTarget(services, content.connection, content.operation)
  const known = fieldsOf(operation).filter(({ key, suggestFrom }) => suggestFrom !== undefined && names[key])
  const example = { source: 'app', user: 'ann', date: '20260101' }
  for (const { key, accepts } of known) {
    if (expandTemplate(names[key] ?? '', example, { accepts, isTaken: () => false }) !== undefined) {
      if (isTemplate(names[key] ?? '') || accepts(names[key])) continue
    }
    throw new UserError("The provider doesn't accept such a name.", { field: nameBlock(key) })
  }
  const changed = Object.fromEntries(known.map(({ key }) => [key, names[key] ?? '']))
  const values = { ...content.values, ...changed }
  return { ...content, values, target: targetWords(operation, values, content.labels) }
}

/**
 * What these answers make, in words; placeholders stay as they were typed. The source needs no such update: the name of a copy
 * doesn't change it, and its place isn't always among the labels.
 */
function targetWords(operation: Operation, values: Content['values'], labels: Content['labels']): string {
  // `answersOfSaved` leaves out the label of several entries, which is one text for all of them.
  return operation.summary({ ...answersOfSaved(operation, { values, labels }).named, ...labels }).to
}

/** Those that this person can save this for, in a channel or without one. */
export function scopesFor(services: Services, asker: Asker, content: Content): PresetScope[] {
  if (!allows(services, asker, content, 'preset')) return ['person']
  return asker.channel === null ? ['person', 'everyone'] : ['person', 'channel', 'everyone']
}

/**
 * Saves it under a name.
 *
 * @param verbs words that mean something else after the slash command.
 * @throws UserError, with the block at fault, for a name that is taken or can't be one, and without the rule for sharing.
 */
export async function saveUnder(
  services: Services,
  asker: Asker,
  content: Content,
  { name, scope, verbs }: { name: string; scope: PresetScope; verbs: readonly string[] },
): Promise<Preset> {
  const problem = presetNameProblem(name, [...verbs, ...takenWords(services), ...SUBCOMMANDS])
  if (problem !== null) throw new UserError(problem, { field: NAME_BLOCK })
  if (!scopesFor(services, asker, content).includes(scope)) {
    if (scope === 'channel' && asker.channel === null)
      throw new UserError("I don't know which channel you mean. Type the command in it.", { field: SCOPE_BLOCK })
    const whom = scope === 'channel' ? 'this channel' : 'everyone'
    const { message } = accessDenied(services, asker, `save presets for ${whom}`)
    throw new UserError(message, { field: SCOPE_BLOCK })
  }
  const owner = { person: asker.id, channel: asker.channel ?? '', everyone: '' }[scope]
  const wanted = { ...content, name: presetName(name), scope, owner, repeats: null, createdBy: asker.id }
  const saving = await savePreset(services.db, wanted, asker.channel, services.now())
  if (saving.kind === 'saved') return saving.preset
  if (saving.kind === 'full')
    throw new UserError(`There are already ${MAX_PRESETS} presets. Delete one first: /clone-app presets.`, {
      field: NAME_BLOCK,
    })
  const { createdBy } = saving.preset
  const by = readerOf(asker).ids.includes(createdBy) ? '' : ', made by someone else'
  throw new UserError(
    `There's already a preset "${brief(name)}"${by}. Choose another name, or delete that one first.`,
    {
      field: NAME_BLOCK,
    },
  )
}
