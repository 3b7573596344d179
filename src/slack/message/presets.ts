/** Pure: a list of presets, with what a person can do to each. */
import type { Button, KnownBlock } from '@slack/types'
import type { Preset, PresetScope } from '../../domain/preset.js'
import { cut } from '../../lib/text.js'
import { button, context, name, plain, section } from '../blocks.js'
import { limits } from '../limits.js'
import { brief, fromTo, mrkdwn } from '../text.js'
import type { Message } from './job.js'

/** Their value is the preset's id, which is only a hint. */
export const presetActions = { open: 'preset:open', run: 'preset:run', delete: 'preset:delete' } as const

/** As many as one message has blocks for. */
const MAX_SHOWN = 20

const SCOPE_WORDS: Readonly<Record<PresetScope, string>> = {
  person: 'yours',
  channel: "this channel's",
  everyone: "everyone's",
}

/**
 * @param canDelete whether this person can delete it.
 * @param overwrites whether it writes to what is there already, which Run now asks before.
 */
export function presetList(
  presets: readonly Preset[],
  canDelete: (preset: Preset) => boolean,
  overwrites: (preset: Preset) => boolean,
): Message {
  if (presets.length === 0) {
    const text = `No presets yet. Fill in a form and press *Save as preset* on its last page, or type \`/clone-app preset save\` with a job's ID and a name.`
    return { text, blocks: [section(text)] }
  }
  const head = `*Presets.* \`/clone-app\` and a name opens the form filled in; with \`now\` it starts right away.`
  const shown = presets.slice(0, MAX_SHOWN)
  const blocks = shown.flatMap((preset): KnownBlock[] => [
    section(lineOf(preset)),
    {
      type: 'actions',
      block_id: `preset:${preset.id}`,
      elements: buttonsOf(preset, canDelete(preset), overwrites(preset)),
    },
  ])
  const rest = presets.slice(MAX_SHOWN).map((preset) => `\`${mrkdwn(preset.name)}\``)
  const more = rest.length > 0 ? [context(`Also: ${rest.slice(0, 60).join(', ')}`)] : []
  return { text: [head, ...presets.map(lineOf)].slice(0, 30).join('\n'), blocks: [section(head), ...blocks, ...more] }
}

function lineOf({ name: word, scope, source, target, connection, operation }: Preset): string {
  const what = mrkdwn(fromTo(brief(source), brief(target), 200), 200)
  return `\`${mrkdwn(word)}\` – ${what} · ${name(connection)} ${name(operation)} · ${SCOPE_WORDS[scope]}`
}

function buttonsOf({ id, name: word, source, target }: Preset, canDelete: boolean, overwrites: boolean): Button[] {
  const confirm = {
    title: plain('Delete this preset?'),
    text: plain(`Schedules that run ${brief(word, 40)} can't start any more. Nothing that was cloned is deleted.`),
    confirm: plain('Delete preset'),
    deny: plain('Not now'),
    style: 'danger',
  } as const
  const overwriting = {
    title: plain('Overwrite it now?'),
    text: plain(cut(`This overwrites ${brief(target, 100)} with ${brief(source, 100)}.`, limits.confirmText)),
    confirm: plain('Overwrite'),
    deny: plain('Not now'),
    style: 'danger',
  } as const
  return [
    button(presetActions.open, 'Open', id),
    { ...button(presetActions.run, 'Run now', id), ...(overwrites && { confirm: overwriting }) },
    ...(canDelete ? [{ ...button(presetActions.delete, 'Delete', id), confirm }] : []),
  ]
}
