/** Tries out what the operator gave Dolly: Slack's tokens, the user groups of the rules, and each connection. Reads only. */
import { type Logger, WebAPIPlatformError, WebClient } from '@slack/web-api'
import { ConnectionError, TemporaryError, UserError } from './errors.js'
import type { Connection, Picker, Provider } from './providers/provider.js'
import { clientOptions } from './slack/api/client.js'
import { Identity, isTokenRefused } from './slack/api/identity.js'
import { missingScopes } from './slack/api/people.js'
import { fieldsOf } from './slack/form/fields.js'

/** How long a connection may take for a list, in milliseconds: people in front of a form wait no longer. */
const LIST_TIMEOUT_MS = 20_000

const UNKNOWN_GROUP = 'a rule of access names a user group that Slack does not know'

const whereFrom = {
  SLACK_BOT_TOKEN: 'Copy it anew from your Slack app.',
  SLACK_APP_TOKEN:
    'Generate a new one with the scope connections:write, under "Basic Information", "App-Level Tokens" of your Slack app.',
}

/** The sentence about a token that Slack refuses for good; undefined where it has only a bad moment. */
export function refusalOf(variable: keyof typeof whereFrom, code: string): string | undefined {
  return isTokenRefused(code) ? `Slack refuses ${variable} with "${code}". ${whereFrom[variable]}` : undefined
}

/** The sentence about a port that Dolly cannot listen on; undefined for any other error. */
export function portProblem(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'port' in error)) return undefined
  const reason = 'code' in error && error.code === 'EADDRINUSE' ? 'another program listens there' : error.message
  return `Dolly cannot listen on port ${error.port}: ${reason}. Set PORT to one that is free, and in HTTP mode send Slack there too.`
}

/** What Slack's clients say of the way there and of the token, as a sentence for the operator; whatever else it says as it is. */
export function explainSlackLog(words: string): string {
  const [, problem] = /^http request failed (.*)/s.exec(words) ?? []
  if (problem !== undefined) return `Slack could not be reached (${problem}); Dolly tries again`
  const code = /^Failed to retrieve a new WSS URL .*?(\w+)\)$/.exec(words)?.[1] ?? ''
  return refusalOf('SLACK_APP_TOKEN', code) ?? words
}

/**
 * Asks a connection for the list that its first form opens with. Resolves to the sentence that says why there is none, or
 * to undefined; never rejects.
 */
async function probeConnection({ name, provider, api }: Connection, withinMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`${name} did not answer within ${withinMs / 1000} s.`), withinMs)
  })
  const read = async () => void (await firstListOf(provider)?.(api, {}))
  const answer = read().catch((error: unknown) => sentenceOf(name, error))
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

function firstListOf({ operations, pickers }: Provider): Picker | undefined {
  const fields = Object.values(operations).flatMap((operation) => fieldsOf(operation))
  const first = fields.find(({ picker, dependsOn }) => picker !== undefined && dependsOn.length === 0)
  return pickers[first?.picker ?? '']
}

function sentenceOf(connection: string, error: unknown): string {
  const isOurs = error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError
  return isOurs ? error.message : `${connection} could not be read because something broke on our side.`
}

/** Those that Slack does not know; none where it cannot be asked. */
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

/** Warns of each connection and user group in dolly.yml that leads nowhere. Never rejects. */
export async function warnUnreachable(
  connections: readonly Connection[],
  client: WebClient,
  groups: readonly string[],
  log: { info(message: string): void; warn(fields: object, message: string): void },
  withinMs = LIST_TIMEOUT_MS,
): Promise<void> {
  const looks = connections.map(async (connection) => {
    const reason = await probeConnection(connection, withinMs)
    if (reason !== undefined) log.warn({ connection: connection.name, reason }, 'a connection did not answer')
    return reason === undefined
  })
  for (const group of await findUnknownGroups(client, groups)) log.warn({ group }, UNKNOWN_GROUP)
  const answered = (await Promise.all(looks)).filter(Boolean)
  log.info(`${answered.length} of ${connections.length} connections answered`)
}

/** What a start needs, as far as it can be tried out. */
export interface Given {
  slack: { botToken: string; apiUrl: string; mode: { kind: 'http' } | { kind: 'socket'; appToken: string } }
  /** The user groups that rules name. */
  groups: readonly string[]
  connections: readonly Connection[]
  /** For what Slack's own client has to say. */
  logger: Logger
}

interface Finding {
  isGood: boolean
  sentence: string
}

/** Tries everything once: a sentence for each part, whether it is good or not. Never rejects. */
export async function diagnose({ slack, groups, connections, logger }: Given): Promise<Finding[]> {
  const { botToken, apiUrl, mode } = slack
  const client = (token: string) => new WebClient(token, clientOptions(apiUrl, logger))
  const findings = await Promise.all([
    tryBotToken(new Identity(client(botToken), botToken), groups),
    ...(mode.kind === 'socket' ? [tryAppToken(client(mode.appToken))] : []),
    ...connections.map(async (one) => [finding(await probeConnection(one, LIST_TIMEOUT_MS), `${one.name} answers.`)]),
  ])
  return findings.flat()
}

async function tryBotToken(identity: Identity, groups: readonly string[]): Promise<Finding[]> {
  try {
    await identity.get()
  } catch (error) {
    return [finding(tokenProblem('SLACK_BOT_TOKEN', error))]
  }
  const unknown = await findUnknownGroups(identity.client, groups)
  return [
    finding(undefined, `Slack takes SLACK_BOT_TOKEN for ${identity.workspaceUrl}.`),
    ...missingScopes(identity.scopes, groups).map((problem) => finding(problem)),
    ...unknown.map((group) => finding(`${group}: ${UNKNOWN_GROUP}.`)),
  ]
}

async function tryAppToken(client: WebClient): Promise<Finding[]> {
  try {
    // An address for a socket, which nobody opens and which is good for seconds.
    await client.apps.connections.open()
    return [finding(undefined, 'Slack takes SLACK_APP_TOKEN.')]
  } catch (error) {
    return [finding(tokenProblem('SLACK_APP_TOKEN', error))]
  }
}

function tokenProblem(variable: keyof typeof whereFrom, error: unknown): string {
  const code = error instanceof WebAPIPlatformError ? error.data.error : ''
  return (
    refusalOf(variable, code) ??
    `Slack was not reached or did not answer as it should, so ${variable} could not be tried.`
  )
}

function finding(problem: string | undefined, otherwise = ''): Finding {
  return { isGood: problem === undefined, sentence: problem ?? otherwise }
}
