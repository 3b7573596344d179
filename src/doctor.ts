/** Checks what the operator configured: Slack's tokens, the user groups in rules, and each connection. Only reads. */
import { type Logger, WebAPIPlatformError, WebClient } from '@slack/web-api'
import { ConnectionError, TemporaryError, UserError } from './errors.js'
import { within } from './lib/within.js'
import type { Connection, Picker, Provider } from './providers/provider.js'
import { clientOptions } from './slack/api/client.js'
import { isTokenRefused } from './slack/api/errors.js'
import { Identity } from './slack/api/identity.js'
import { missingScopes } from './slack/api/people.js'
import { fieldsOf } from './slack/form/fields.js'

/** For the list of one connection: people in front of a form wait no longer. */
const LIST_TIMEOUT_MS = 20_000

const UNKNOWN_GROUP = 'an access rule names a user group that Slack does not know'

const tokenAdvice = {
  SLACK_BOT_TOKEN: 'Copy it again from your Slack app.',
  SLACK_APP_TOKEN:
    'Generate a new one with the scope connections:write, under "Basic Information", "App-Level Tokens" of your Slack app.',
}

/** A sentence about a token that Slack refuses for good; undefined for errors that pass. */
export function refusalOf(variable: keyof typeof tokenAdvice, code: string): string | undefined {
  return isTokenRefused(code) ? `Slack refuses ${variable} with "${code}". ${tokenAdvice[variable]}` : undefined
}

/** A sentence about a port that Dolly can't listen on; undefined for any other error. */
export function portProblem(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'port' in error)) return undefined
  const reason = 'code' in error && error.code === 'EADDRINUSE' ? 'another program uses it' : error.message
  return `Dolly can't listen on port ${error.port}: ${reason}. Set PORT to a free one. In HTTP mode, let Slack's requests go there too.`
}

/** Log lines of Slack's clients about connection and token, as sentences for the operator; all others as they are. */
export function explainSlackLog(words: string): string {
  const [, problem] = /^http request failed (.*)/s.exec(words) ?? []
  if (problem !== undefined) return `Slack could not be reached (${problem}); retrying`
  const code = /^Failed to retrieve a new WSS URL .*?(\w+)\)$/.exec(words)?.[1] ?? ''
  return refusalOf('SLACK_APP_TOKEN', code) ?? words
}

/**
 * Reads the list that the connection's first form opens with. Resolves to a sentence on why it can't be read, or to
 * undefined; never rejects.
 */
async function probeConnection({ name, provider, api }: Connection, timeoutMs: number): Promise<string | undefined> {
  const read = async () => {
    await firstListOf(provider)?.(api, {})
    return {}
  }
  const answer = read().catch((error: unknown) => ({ problem: sentenceOf(name, error) }))
  const late = { problem: `${name} did not answer within ${timeoutMs / 1000} s.` }
  const { problem }: { problem?: string } = (await within(timeoutMs, answer)) ?? late
  return problem
}

function firstListOf({ operations, pickers }: Provider): Picker | undefined {
  const fields = Object.values(operations).flatMap((operation) => fieldsOf(operation))
  const first = fields.find(({ picker, dependsOn }) => picker !== undefined && dependsOn.length === 0)
  return pickers[first?.picker ?? '']
}

function sentenceOf(connection: string, error: unknown): string {
  const isOurs = error instanceof UserError || error instanceof ConnectionError || error instanceof TemporaryError
  return isOurs ? error.message : `Something broke on our side while reading ${connection}.`
}

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

/** Logs each connection that can't be read and each user group that doesn't exist. Never rejects. */
export async function warnUnreachable(
  connections: readonly Connection[],
  client: WebClient,
  groups: readonly string[],
  log: { info(message: string): void; warn(fields: object, message: string): void },
  timeoutMs = LIST_TIMEOUT_MS,
): Promise<void> {
  const probes = connections.map(async (connection) => {
    const reason = await probeConnection(connection, timeoutMs)
    if (reason !== undefined) log.warn({ connection: connection.name, reason }, 'a connection did not answer')
    return reason === undefined
  })
  for (const group of await findUnknownGroups(client, groups)) log.warn({ group }, UNKNOWN_GROUP)
  const answered = (await Promise.all(probes)).filter(Boolean)
  log.info(`${answered.length} of ${connections.length} connections answered`)
}

/** The parts of the configuration that can be checked without a start. */
export interface DiagnoseOptions {
  slack: { botToken: string; apiUrl: string; mode: { kind: 'http' } | { kind: 'socket'; appToken: string } }
  /** The user groups that rules name. */
  groups: readonly string[]
  connections: readonly Connection[]
  /** For the log lines of Slack's client. */
  logger: Logger
}

interface Finding {
  isGood: boolean
  sentence: string
}

/** Tries everything once and returns a sentence for each part. Never rejects. */
export async function diagnose({ slack, groups, connections, logger }: DiagnoseOptions): Promise<Finding[]> {
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
    finding(undefined, `Slack accepts SLACK_BOT_TOKEN for ${identity.workspaceUrl}.`),
    ...missingScopes(identity.scopes, groups).map((problem) => finding(problem)),
    ...unknown.map((group) => finding(`${group}: ${UNKNOWN_GROUP}.`)),
  ]
}

async function tryAppToken(client: WebClient): Promise<Finding[]> {
  try {
    // Returns the URL of a socket, which nobody opens and which expires within seconds.
    await client.apps.connections.open()
    return [finding(undefined, 'Slack accepts SLACK_APP_TOKEN.')]
  } catch (error) {
    return [finding(tokenProblem('SLACK_APP_TOKEN', error))]
  }
}

function tokenProblem(variable: keyof typeof tokenAdvice, error: unknown): string {
  const code = error instanceof WebAPIPlatformError ? error.data.error : ''
  return (
    refusalOf(variable, code) ?? `Slack could not be reached or gave no usable answer, so ${variable} was not checked.`
  )
}

function finding(problem: string | undefined, otherwise = ''): Finding {
  return { isGood: problem === undefined, sentence: problem ?? otherwise }
}
