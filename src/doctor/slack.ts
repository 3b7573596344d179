/** Whether Slack takes the tokens, granted the scopes of manifest.yml, and knows the user groups in rules. Only reads. */
import { type Logger, WebAPIHTTPError, WebAPIPlatformError, WebClient } from '@slack/web-api'
import { clientOptions } from '../slack/api/client.js'
import { Identity } from '../slack/api/identity.js'
import { explainCause } from './causes.js'
import { checkClock, clockReader } from './clock.js'
import type { Finding } from './finding.js'
import { refusalOf, type TokenVariable } from './problems.js'
import { judgeScopes } from './scopes.js'

export interface SlackAccess {
  botToken: string
  apiUrl: string
  mode: { kind: 'http' } | { kind: 'socket'; appToken: string }
}

export interface SlackOptions {
  /** The user groups that rules name. */
  groups: readonly string[]
  /** For the log lines of Slack's client. */
  logger: Logger
  /** Milliseconds since 1970, by the clock of this machine. */
  now(): number
}

/** Tries the tokens, and compares the clocks. Never rejects. */
export async function checkSlack(
  { botToken, apiUrl, mode }: SlackAccess,
  { groups, logger, now }: SlackOptions,
): Promise<Finding[]> {
  const clock = clockReader(now)
  const client = (token: string) => new WebClient(token, { ...clientOptions(apiUrl, logger), fetch: clock.fetch })
  const { host } = new URL(apiUrl)
  const [bot, app] = await Promise.all([
    tryBotToken(new Identity(client(botToken), botToken), groups, host),
    mode.kind === 'socket' ? tryAppToken(client(mode.appToken), host) : [],
  ])
  return [...bot, ...app, checkClock(clock.skewMs(), mode.kind)]
}

async function tryBotToken(identity: Identity, groups: readonly string[], host: string): Promise<Finding[]> {
  try {
    await identity.get()
  } catch (error) {
    return [failed('slack bot token', tokenProblem('SLACK_BOT_TOKEN', host, error))]
  }
  const unknown = await findUnknownGroups(identity.client, groups)
  return [
    ok('slack bot token', `Slack accepts SLACK_BOT_TOKEN for ${identity.workspaceUrl}.`),
    ...judgeScopes(identity.scopes, groups),
    ...unknown.map((group) => failed('slack groups', `${group}: ${UNKNOWN_GROUP}.`)),
  ]
}

async function tryAppToken(client: WebClient, host: string): Promise<Finding[]> {
  try {
    // Returns the URL of a socket, which nobody opens and which expires within seconds.
    await client.apps.connections.open()
    return [ok('slack app token', 'Slack accepts SLACK_APP_TOKEN.')]
  } catch (error) {
    return [failed('slack app token', tokenProblem('SLACK_APP_TOKEN', host, error))]
  }
}

function tokenProblem(variable: TokenVariable, host: string, error: unknown): string {
  const code = error instanceof WebAPIPlatformError ? error.data.error : ''
  const refusal = refusalOf(variable, code)
  if (refusal !== undefined) return refusal
  const cause = explainCause(error instanceof Error && 'original' in error ? error.original : error)
  const status = error instanceof WebAPIHTTPError ? `It answered ${error.statusCode}.` : undefined
  const reason = cause ?? status
  const problem = `Slack (${host}) couldn't be reached or gave no usable answer, so ${variable} wasn't checked.`
  return reason === undefined ? problem : `${problem} ${reason}`
}

const UNKNOWN_GROUP = 'an access rule names a user group that Slack does not know'

/** The groups that Slack does not know; none if it can't be asked. */
async function findUnknownGroups(client: WebClient, groups: readonly string[]): Promise<string[]> {
  const unknown = groups.map(async (usergroup) => {
    try {
      await client.usergroups.users.list({ usergroup })
      return []
    } catch (error) {
      return error instanceof WebAPIPlatformError && error.data.error === 'no_such_subteam' ? [usergroup] : []
    }
  })
  return (await Promise.all(unknown)).flat()
}

/** Logs each user group in rules that doesn't exist. Never rejects. */
export async function warnOfUnknownGroups(
  client: WebClient,
  groups: readonly string[],
  log: { warn(fields: object, message: string): void },
): Promise<void> {
  for (const group of await findUnknownGroups(client, groups)) log.warn({ group }, UNKNOWN_GROUP)
}

function ok(check: string, sentence: string): Finding {
  return { check, result: 'ok', sentence }
}

function failed(check: string, sentence: string): Finding {
  return { check, result: 'failed', sentence }
}
