/** `/clone-app <preset>` opens its form filled in; with `now` it starts at once. */
import type { Asker } from '../../access/rules.js'
import { type Preset, presetName } from '../../domain/preset.js'
import { isTemplate } from '../../domain/template.js'
import { UserError } from '../../errors.js'
import { isChannel } from '../../lib/channel.js'
import { within } from '../../lib/within.js'
import { answersOfSaved } from '../../slack/form/saved.js'
import { brief, mrkdwn } from '../../slack/text.js'
import type { Answer } from '../answer.js'
import { parseCommandText } from '../clone/command-text.js'
import { openForm } from '../clone/open-form.js'
import { fillIn, takenBeside } from '../clone/prepare-job.js'
import { resolveNames } from '../clone/resolve-names.js'
import { holderWords, threadLink } from '../clone/start-job.js'
import { parseTypedValues } from '../clone/typed-values.js'
import { findTarget, type Services, type Target } from '../services.js'
import { readChannelSettings } from '../settings/preferences.js'
import type { CommandRequest } from '../verb.js'
import { assertCanStart, canStart } from './access.js'
import { presetsFor } from './find.js'
import { runPreset } from './run.js'

export const NOW = 'now'

/** For starting a preset without a form, in milliseconds: nobody's request waits for an answer by then. */
const RUN_TIMEOUT_MS = 10_000
/** For the names that a form is opened with, in milliseconds: Slack opens it within three seconds or never. */
const OPEN_TIMEOUT_MS = 700

/** Words that mean a connection, an operation or help: they win over names of presets. */
export function takenWords({ connections }: Pick<Services, 'connections'>): string[] {
  const operations = [...connections.values()].flatMap(({ provider }) => Object.keys(provider.operations))
  return ['help', NOW, ...connections.keys(), ...operations]
}

/**
 * Opens or starts the preset that a command begins with.
 *
 * @returns the names of the presets that this person finds, if it begins with none of them.
 * @throws UserError when this person can't use it, or when it can't start now.
 */
export async function openFromPreset(
  request: CommandRequest,
): Promise<{ answer: Answer | null } | { names: string[] }> {
  const { services, asker, text } = request
  const presets = await presetsFor(services, asker)
  const names = presets.map(({ name }) => name)
  const [first = ''] = text.trim().split(/\s+/)
  const usual = first === '' ? await usualPreset(request, presets) : undefined
  if (usual) {
    await openPreset(request, usual)
    return { answer: null }
  }
  const wanted = presetName(first)
  const preset = takenWords(services).includes(wanted) ? undefined : presets.find(({ name }) => name === wanted)
  if (!preset) return { names }
  const { words, values } = parseCommandText(text.trim().slice(first.length))
  const [word, more] = words
  if (word !== undefined && (presetName(word) !== NOW || more !== undefined)) {
    const name = brief(preset.name)
    throw new UserError(
      `"${brief(more ?? word)}" doesn't belong after a preset's name. Type /clone-app ${name} to open it, or /clone-app ${name} now to start it.`,
    )
  }
  const { operation, connection } = findTarget(services, preset.connection, preset.operation)
  const typed = parseTypedValues(operation, preset.operation, values, connection.expiry)
  const changed = { ...preset, ...withTyped(preset, typed) }
  if (word !== undefined) return { answer: await startNow(request, changed) }
  await openPreset(request, changed)
  return { answer: null }
}

/** The preset that this channel begins with, if this person can start it: its own before everyone's. */
async function usualPreset(
  { services, asker, channel }: CommandRequest,
  presets: readonly Preset[],
): Promise<Preset | undefined> {
  const { preset: wanted } = await readChannelSettings(services.db, channel)
  const usual = presets.find(({ name, scope }) => scope !== 'person' && name === wanted)
  return usual && canStart(services, asker, usual) ? usual : undefined
}

/** What was typed as `field=value` counts in place of what was saved. */
function withTyped(
  { values, labels }: Preset,
  typed: Readonly<Record<string, string>>,
): Pick<Preset, 'values' | 'labels'> {
  const kept = Object.entries(labels).filter(([key]) => typed[key.replace(/\..*/, '')] === undefined)
  return { values: { ...values, ...typed }, labels: Object.fromEntries(kept) }
}

/** @throws UserError when this person can't use what it is for. */
export async function openPreset(
  request: Pick<CommandRequest, 'services' | 'client' | 'asker' | 'triggerId'>,
  preset: Preset,
): Promise<void> {
  const { services, asker } = request
  const target = findTarget(services, preset.connection, preset.operation)
  assertCanStart(services, asker, preset)
  const names = await within(OPEN_TIMEOUT_MS, namesFor(services, asker, target, preset))
  await openForm({ ...request, channel: asker.channel }, target, { ...preset.values, ...names }, preset.labels)
}

/** The preset's templates, filled in. What takes too long stays as it is: the form fills it in when it is sent. */
async function namesFor(
  services: Services,
  asker: Asker,
  target: Target,
  preset: Preset,
): Promise<Record<string, string>> {
  const templates = Object.fromEntries(Object.entries(preset.values).filter(([, value]) => isTemplate(value)))
  if (Object.keys(templates).length === 0) return {}
  const given = answersOfSaved(target.operation, preset)
  const { answers } = await resolveNames(services, target, given, false, OPEN_TIMEOUT_MS)
  const taken = await takenBeside(services, target, answers, templates)
  const filled = fillIn(services, asker, target, answers, templates, { zone: 'UTC', taken })
  return Object.fromEntries(Object.keys(templates).map((key) => [key, String(filled.values[key])]))
}

/** Starts it and says so. @throws UserError with the reason why it can't. */
export async function startNow(
  request: Pick<CommandRequest, 'services' | 'asker' | 'triggerId'>,
  preset: Preset,
): Promise<Answer> {
  const { services, asker, triggerId } = request
  const startedAt = services.elapsed()
  const remainingMs = () => startedAt + RUN_TIMEOUT_MS - services.elapsed()
  const run = await runPreset({ ...services, remainingMs }, asker, preset, { submission: `now:${triggerId}` })
  if (run.kind === 'locked') return await holderWords(services, run.holder, asker.id)
  if (run.kind !== 'started') {
    throw new UserError(`${run.reason} To change it in the form, type /clone-app ${preset.name}.`)
  }
  const thread = await services.waitForThread(run.job.id, THREAD_WAIT_MS).catch(() => null)
  const link = threadLink(services, thread)
  const { channel } = run.job
  const place = isChannel(channel) ? `<#${channel}>` : 'our direct messages'
  const where = link === null ? ` Its thread begins soon in ${place}.` : ` <${link}|See its thread.>`
  const started = `Started job \`${run.job.id}\` from "${mrkdwn(preset.name)}".${where}`
  return [started, ...run.warnings.map((warning) => `⚠️ ${mrkdwn(warning)}`)].join('\n')
}

const THREAD_WAIT_MS = 1_000
