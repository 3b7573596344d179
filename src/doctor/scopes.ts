/** Pure: the scopes that Slack granted, against those of manifest.yml. */
import { missingScopes } from '../slack/api/people.js'
import type { Finding } from './finding.js'

/** Those that manifest.yml asks for, and those that it has commented out. */
export const neededScopes = ['commands', 'chat:write', 'users:read', 'usergroups:read']
export const optionalScopes = [
  'channels:read',
  'groups:read',
  'files:write',
  'im:write',
  'channels:history',
  'groups:history',
  'im:history',
]

/** Without these nobody can ask for anything, or nobody hears of it. A start goes on: Slack may just be changing them. */
const indispensable = [
  ['commands', "Without it there's no /clone-app"],
  ['chat:write', 'Without it Dolly posts nothing'],
] as const

const REINSTALL = 'Reinstall the Slack app with the scopes in manifest.yml.'

/**
 * @param granted undefined if Slack didn't say.
 * @param groups the user groups that rules name.
 */
export function judgeScopes(granted: readonly string[] | undefined, groups: readonly string[]): Finding[] {
  const check = 'slack scopes'
  if (granted === undefined)
    return [{ check, result: 'warning', sentence: "Slack didn't say which scopes SLACK_BOT_TOKEN has." }]
  const missing = [
    ...indispensable
      .filter(([scope]) => !granted.includes(scope))
      .map(([scope, why]) => `SLACK_BOT_TOKEN lacks the scope ${scope}. ${why}. ${REINSTALL}`),
    ...missingScopes(granted, groups),
  ]
  const unknown = granted.filter((scope) => ![...neededScopes, ...optionalScopes].includes(scope))
  const optional = granted.filter((scope) => optionalScopes.includes(scope))
  const extra = optional.length === 0 ? '' : ` Of the optional ones it has ${optional.join(', ')}.`
  const surplus = `SLACK_BOT_TOKEN has scopes that Dolly never uses: ${unknown.join(', ')}. Remove them from the Slack app.`
  return [
    ...(missing.length === 0
      ? [{ check, result: 'ok', sentence: `SLACK_BOT_TOKEN has the scopes that Dolly needs.${extra}` } as const]
      : missing.map((sentence) => ({ check, result: 'failed', sentence }) as const)),
    ...(unknown.length === 0 ? [] : [{ check, result: 'warning', sentence: surplus } as const]),
  ]
}
