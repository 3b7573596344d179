/** Pure: answers of a form that were saved under a name. */
import { comparable } from '../lib/text.js'

export const PRESET_SCOPES = ['person', 'channel', 'everyone'] as const
/** Who finds a preset by its name. */
export type PresetScope = (typeof PRESET_SCOPES)[number]

/** Where a preset's threads go: to where it is run, or to the direct messages of the person who runs it. Otherwise the id of a channel. */
export const HERE = 'here'
export const MINE = 'mine'

export interface Preset {
  id: string
  /** One word, in the form in which names are compared. Unique within scope and owner. */
  name: string
  scope: PresetScope
  /** Slack id of the person or channel; empty for everyone's. */
  owner: string
  connection: string
  operation: string
  /** The answers as the form takes them, by field; several with commas. Never personal ones. */
  values: Readonly<Record<string, string>>
  /** Labels of what was picked, by field, as in a job. */
  labels: Readonly<Record<string, string>>
  /** What is cloned and where to, in words, as they were when it was saved. */
  source: string
  target: string
  /** `HERE`, `MINE` or the id of a channel. */
  channel: string
  /** How long what it makes is kept, in milliseconds; null for no expiry. */
  keepForMs: number | null
  /** Id of the job that a schedule repeats with it, under a name that nobody chose; null where a person gave it its name. */
  repeats: string | null
  /** Slack user id. */
  createdBy: string
  createdAt: number
}

/** Of one person, one channel, or everyone. */
export const MAX_PRESETS = 50
const MAX_NAME_LENGTH = 40
/** Of a hyphen and a number up to `MAX_PRESETS`. */
const MAX_NUMBER_LENGTH = 3

/** The name of a preset as it is stored and looked up. */
export function presetName(typed: string): string {
  return comparable(typed)
}

/** Any text as a name, with room for a number behind it. */
export function presetNameOf(text: string): string {
  const word = presetName(text).replaceAll(/[^\p{L}\p{N}\p{M}._-]+/gu, '-')
  const letters = [...word.replace(/^[^\p{L}\p{N}]+/u, '')].slice(0, MAX_NAME_LENGTH - MAX_NUMBER_LENGTH)
  return letters.join('') || 'preset'
}

/**
 * Why a preset can't have this name; null if it can.
 *
 * @param reserved words that mean something else after the slash command.
 */
export function presetNameProblem(typed: string, reserved: readonly string[]): string | null {
  const name = presetName(typed)
  if (name.length > MAX_NAME_LENGTH) return `A preset's name has at most ${MAX_NAME_LENGTH} characters.`
  if (!/^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u.test(name))
    return "A preset's name is one word of letters, digits, hyphens, dots and underscores, such as nightly-shop."
  if (reserved.includes(name)) return `"${name}" already means something after /clone-app. Choose another name.`
  return null
}
