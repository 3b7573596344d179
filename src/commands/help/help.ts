/** `help`: what this person can do here, in about five lines; all commands; the fields of a connection. */
import { type Asker, decide, isApprover, type Rule } from '../../access/rules.js'
import { UserError } from '../../errors.js'
import { comparable } from '../../lib/text.js'
import { escapeSlack, mrkdwn } from '../../slack/text.js'
import { accessDenied, allowedConnections } from '../authorize.js'
import { parseCommand } from '../clone/command.js'
import { helpText } from '../clone/help.js'
import type { Services } from '../services.js'
import type { Need, Verb } from '../verb.js'

/** What help looks at. */
type Rights = Pick<Services, 'access' | 'connections'>

/** @param verbs all there are, this one included. */
export function helpVerb(verbs: () => readonly Verb[]): Verb {
  return {
    words: ['help'],
    usage: 'help [all | connection [operation] | command]',
    does: 'what you can do here; with a connection, its fields',
    group: 'help',
    async run({ services, asker, words, text }) {
      const mine = verbs().filter((verb) => isUseful(services, asker, verb))
      const [word = ''] = words.map((one) => comparable(one))
      if (word === '') return helpLines(verbs(), services, asker).join('\n')
      if (word === 'all') return ['*All commands*', ...mine.map(verbLine)].join('\n')
      const verb = verbs().find((one) => one.words.includes(word))
      if (verb) return verbLine(verb)
      const parsed = parseCommand(text, allowedConnections(services, asker), services.connections)
      if (parsed.kind === 'refused') throw accessDenied(services, asker, parsed.act)
      if (parsed.kind !== 'help') throw new UserError(`There's no help on "${word}".`, { instead: '/clone-app help' })
      return helpText(parsed.connections, parsed.operation)
    },
  }
}

/** What this person can do, as lines of mrkdwn: only what the rules let them do, and not how. */
export function helpLines(verbs: readonly Verb[], services: Rights, asker: Asker): string[] {
  const connections = [...allowedConnections(services, asker).values()]
  const useful = verbs.filter((verb) => isUseful(services, asker, verb))
  const [first] = connections
  const operation = first && Object.keys(first.provider.operations)[0]
  const words = (group: Verb['group']) =>
    useful.filter((verb) => verb.group === group).map((verb) => `\`${verb.words[0]}\``)
  const line = (title: string, group: Verb['group'], rest: string) =>
    words(group).length === 0 ? [] : [`• *${title}:* ${words(group).join(', ')} – ${rest}`]
  const fields = first ? [`\`help ${first.name}\` for its fields`] : []
  return [
    '*What you can do here*, with one of these words after `/clone-app`:',
    ...(first
      ? [`• *Clone:* \`/clone-app\` opens the form. Faster: \`/clone-app ${first.name} ${operation}\``]
      : [`• You can't start anything here. Ask ${mrkdwn(services.access.owner)} for access.`]),
    ...line('Follow', 'follow', 'your jobs, and others you can see'),
    ...line('Manage', 'steer', "with a job's ID, or use the buttons in its thread"),
    ...line('Approve', 'approve', "other people's requests"),
    ...line('Repeat', 'repeat', 'what you saved under a name, now or on a schedule'),
    `• *More:* ${[...words(undefined), ...fields, '`help all` for every command'].join(', ')}`,
  ]
}

function verbLine({ usage, does, words: [, ...others] }: Verb): string {
  const also = others.length === 0 ? '' : ` (also: ${others.map((word) => `\`${word}\``).join(', ')})`
  // Slack takes <job> for a link, also within code.
  return `• \`/clone-app ${escapeSlack(usage)}\` – ${does}${also}`
}

/** Whether the rules let this person do it for at least something. */
function isUseful(services: Rights, asker: Asker, { needs }: Verb): boolean {
  return needs === undefined || needs.some((need) => has(services, asker, need))
}

function has(services: Rights, asker: Asker, need: Need): boolean {
  const { access, connections } = services
  if (need === 'start') return allowedConnections(services, asker).size > 0
  const isAllowed = [...connections.keys()].some(
    (connection) => decide(access.rules, asker, { connection, what: need }).isAllowed,
  )
  const canAnswer = ({ approval }: Rule) => approval && (approval.by ? isApprover(approval.by, asker) : isAllowed)
  return need === 'approve' ? access.rules.some(canAnswer) : isAllowed
}
