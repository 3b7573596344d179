/** What a message is about, among everything that this person can clone. */
import type { Asker } from '../../access/rules.js'
import { within } from '../../lib/within.js'
import { fieldsOf } from '../../slack/form/fields.js'
import { allowedConnections, allowedOptions } from '../authorize.js'
import { initialFormState } from '../clone/open-form.js'
import type { Services, Target } from '../services.js'
import { type Mention, mentionedOption, wordsOf } from './mentions.js'

/** A form can be opened for three seconds after the click, and Slack needs some of that. In milliseconds. */
const SEARCH_TIMEOUT_MS = 1_200

/** The form that a message asks for, and what is filled in. */
export interface Source {
  target: Target
  values: Readonly<Record<string, string>>
}

/**
 * The one thing that the message names. Null if it names nothing, if things on several connections are named alike, or if the
 * lists can't be read soon enough.
 */
export async function findSource(services: Services, asker: Asker, text: string): Promise<Source | null> {
  const words = wordsOf(text)
  const connections = [...allowedConnections(services, asker).values()]
  const found: { target: Target; key: string; mention: Mention }[] = []
  const searches = connections.flatMap((connection) =>
    Object.entries(connection.provider.operations).map(async ([operationId, operation]) => {
      const target = { connection, operation, operationId }
      const field = fieldsOf(operation).find(({ picker, dependsOn }) => picker && dependsOn.length === 0)
      if (!field) return
      const state = initialFormState(connection.name, operationId, { channel: '', opening: '' })
      const list = await services.lists.get(connection, field, state)
      if (!('options' in list)) return
      const mine = allowedOptions(services, asker, target, field, list.options)
      const mention = mentionedOption(words, mine)
      if (mention) found.push({ target, key: field.key, mention })
    }),
  )
  // Those that answered in time count.
  await within(SEARCH_TIMEOUT_MS, Promise.all(searches))
  const max = Math.max(...found.map(({ mention }) => mention.weight))
  const best = found.filter(({ mention }) => mention.weight === max)
  // In the order of dolly.yml, where the first operation is the one that people mean by cloning.
  const place = ({ target: { connection, operationId } }: (typeof best)[number]) =>
    Object.keys(connection.provider.operations).indexOf(operationId)
  const [first, ...others] = best.sort((one, other) => place(one) - place(other))
  if (!first || others.some(({ target }) => target.connection !== first.target.connection)) return null
  return { target: first.target, values: { [first.key]: first.mention.value } }
}
