/** `/clone-app help <connection> [operation]`: what can be typed instead of filling in a form. */
import type { Connection } from '../../providers/provider.js'
import { type Field, fieldsOf } from '../../slack/form/fields.js'
import { limits } from '../../slack/limits.js'
import { mrkdwn } from '../../slack/text.js'

/**
 * Help: a line per connection, or per operation and field if there is only one connection. Lines that one message has no
 * room for are counted, never cut.
 *
 * @param operation the only one to be shown, by its id; all unless given.
 */
export function helpText(connections: readonly Connection[], operation?: string): string {
  const [only, another] = connections
  const isOne = only !== undefined && another === undefined
  const head = [
    '*Dolly clones apps.* Type `/clone-app` and choose in a form, or type one of these commands.',
    'Add `field=value` to fill in a field. Put quotes around a value with spaces, and commas between several values. Names work as well as IDs.',
    ...(isOne || !only ? [] : [`To see the fields of a connection, type \`/clone-app help ${only.name}\`.`]),
  ]
  const lines = isOne ? operationLines(only, operation) : connections.map((one) => connectionLine(one, operation))
  const rest = (count: number) =>
    isOne
      ? `…and ${count} more lines. The form shows all fields.`
      : `…and ${count} more connections. \`/clone-app\` lists them all.`
  // Keeps room for the line that counts the rest.
  let room = limits.messageText - head.join('\n').length - rest(lines.length).length - 1
  const shown = lines.filter((line) => {
    room -= line.length + 1
    return room >= 0
  })
  const left = lines.length - shown.length
  return [...head, ...shown, ...(left > 0 ? [rest(left)] : [])].join('\n')
}

function connectionLine({ name, provider }: Connection, operation: string | undefined): string {
  const ids = Object.keys(provider.operations).filter((id) => operation === undefined || id === operation)
  const commands = ids.map((id) => `\`/clone-app ${name} ${id}\``)
  return `• ${mrkdwn(provider.name)}: ${commands.join(', ')}`
}

function operationLines({ name, provider }: Connection, only: string | undefined): string[] {
  const operations = Object.entries(provider.operations).filter(([id]) => only === undefined || id === only)
  return operations.flatMap(([id, operation]) => [
    `• \`/clone-app ${name} ${id}\` – ${mrkdwn(operation.title)} (${mrkdwn(provider.name)})`,
    ...fieldsOf(operation).map(fieldLine),
  ])
}

function fieldLine({ key, title, required, kind }: Field): string {
  return `      \`${key}=\` ${mrkdwn(title)}${required && kind !== 'yes-no' ? ' (required)' : ''}`
}
