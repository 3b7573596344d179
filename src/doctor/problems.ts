/** What keeps Dolly from starting, and what Slack's clients log, as sentences for the operator. */
import { isTokenRefused } from '../slack/api/errors.js'

const tokenAdvice = {
  SLACK_BOT_TOKEN: 'Copy it again from your Slack app.',
  SLACK_APP_TOKEN:
    'Generate a new one with the scope connections:write, under "Basic Information", "App-Level Tokens" of your Slack app.',
}

/** A variable with a token of Slack in it. */
export type TokenVariable = keyof typeof tokenAdvice

/** A sentence about a token that Slack refuses for good; undefined for errors that pass. */
export function refusalOf(variable: TokenVariable, code: string): string | undefined {
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
