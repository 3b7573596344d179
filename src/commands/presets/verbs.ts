/** What people type about presets. */
import { PRESET_SCOPES, type Preset, type PresetScope } from '../../domain/preset.js'
import { UserError } from '../../errors.js'
import { comparable } from '../../lib/text.js'
import { operationOf } from '../../providers/provider.js'
import { presetList } from '../../slack/message/presets.js'
import { mrkdwn } from '../../slack/text.js'
import type { CommandRequest, Verb } from '../verb.js'
import { canDelete } from './access.js'
import { removePreset } from './delete.js'
import { findNamedPreset, presetsFor } from './find.js'
import { contentOfJob, saveUnder, withNames } from './save.js'

const USAGE = 'preset save <job> <name> [mine|channel|everyone]'

/** @param words all that `/clone-app` can begin with: no preset may have such a name. */
export function presetVerbs(words: () => readonly string[]): readonly Verb[] {
  return [
    {
      words: ['preset'],
      usage: USAGE,
      does: "saves a job's answers under a name; `preset delete <name>` deletes it",
      group: 'repeat',
      needs: ['start'],
      async run(request) {
        const [what = '', ...rest] = request.words
        if (comparable(what) === 'save') return await save(request, rest, words())
        if (['delete', 'remove'].includes(comparable(what))) return await remove(request, rest)
        throw new UserError(
          `Type /clone-app ${USAGE}, /clone-app preset delete <name>, or /clone-app presets for the list.`,
        )
      },
    },
    {
      words: ['presets'],
      usage: 'presets',
      does: 'your presets, to open, run or delete',
      group: 'repeat',
      needs: ['start'],
      run: async ({ services, asker }) => {
        const presets = await presetsFor(services, asker)
        const overwrites = ({ connection, operation }: Preset) =>
          operationOf(services.connections.get(connection)?.provider, operation)?.removal === undefined
        return presetList(presets, (preset) => canDelete(services, asker, preset), overwrites)
      },
    },
  ]
}

async function save(
  { services, asker }: CommandRequest,
  [jobId, name, scopeWord = 'mine', extra]: string[],
  verbs: readonly string[],
) {
  const scope = scopeNamed(scopeWord)
  if (jobId === undefined || name === undefined || scope === undefined || extra !== undefined)
    throw new UserError(`Type /clone-app ${USAGE}, with the job's ID from its thread.`)
  const content = withNames(services, await contentOfJob(services, asker, jobId), {})
  const preset = await saveUnder(services, asker, content, { name, scope, verbs })
  return `Saved. ${savedWords(preset.name)}`
}

/** How to use it, as mrkdwn. */
export function savedWords(name: string): string {
  const word = mrkdwn(name)
  return `\`/clone-app ${word}\` opens the form filled in; \`/clone-app ${word} now\` starts it right away.`
}

function scopeNamed(word: string): PresetScope | undefined {
  const scope = comparable(word)
  if (['mine', 'me', 'person'].includes(scope)) return 'person'
  if (['all', 'everybody'].includes(scope)) return 'everyone'
  return PRESET_SCOPES.find((one) => one === scope)
}

async function remove({ services, asker }: CommandRequest, [name, extra]: string[]): Promise<string> {
  if (name === undefined || extra !== undefined)
    throw new UserError('Which preset? Type /clone-app preset delete and its name.')
  const preset = await findNamedPreset(services, asker, name, (near) => `/clone-app preset delete ${near}`)
  return await removePreset(services, asker, preset)
}
