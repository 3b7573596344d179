/** `dolly doctor`: tries everything once, and prints what works and what doesn't. */
import { groupsOf } from '../access/rules.js'
import { type Config, ConfigError } from '../config/env.js'
import { connect } from '../connections.js'
import { checkConnection } from '../doctor/connections.js'
import type { Finding } from '../doctor/finding.js'
import { checkSlack } from '../doctor/slack.js'
import type { Redactor } from '../lib/redact.js'
import { createLog, slackLogger } from '../log.js'
import { checkDatabase } from '../store/check.js'
import { type Configured, readConfiguration, sentenceOf } from './configured.js'

export async function run(_operands: readonly string[], flags: ReadonlySet<string>): Promise<number> {
  const findings = await examine()
  process.stdout.write(flags.has('json') ? `${JSON.stringify(findings, null, 2)}\n` : asTable(findings))
  return findings.some(({ result }) => result === 'failed') ? 1 : 0
}

/** Without secrets. */
async function examine(): Promise<Finding[]> {
  let configured: Configured
  try {
    configured = readConfiguration()
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [sentenceOf(error)]
    return problems.map((sentence) => ({ check: 'configuration', result: 'failed', sentence }))
  }
  const { config, redactor } = configured
  const [database, slack, ...connections] = await Promise.all([
    checkDatabase(config.database, Date.now),
    checkSlack(config.slack, {
      groups: groupsOf(config.access.rules),
      logger: slackLogger(createLog('silent', redactor.redact)),
      now: Date.now,
    }),
    ...config.connections.map(async ({ name }) => await checkConnectionNamed(name, config, redactor)),
  ])
  const findings = [
    ...findingsAbout(config),
    ...database.map((finding) => ({ check: 'database', ...finding })),
    ...slack,
    ...connections.flat(),
  ]
  return findings.map((finding) => ({ ...finding, sentence: redactor.redact(finding.sentence) }))
}

function findingsAbout({ connections, access, warnings }: Config): Finding[] {
  const check = 'configuration'
  const sentence = `dolly.yml can be used: ${counted(connections.length, 'connection')}, ${counted(access.rules.length, 'access rule')}.`
  return [
    { check, result: 'ok', sentence },
    ...warnings.map((text) => ({ check, result: 'warning', sentence: text }) as const),
  ]
}

async function checkConnectionNamed(name: string, config: Config, redactor: Redactor): Promise<Finding[]> {
  try {
    const one = { ...config, connections: config.connections.filter((candidate) => candidate.name === name) }
    const checks = [...connect(one, { redactor }).values()].map((connection) => checkConnection(connection))
    return (await Promise.all(checks)).flat()
  } catch (error) {
    // Such as a token that no header can hold.
    return [{ check: `connection ${name}`, result: 'failed', sentence: sentenceOf(error) }]
  }
}

/** A line each, so that it can be searched. */
export function asTable(findings: readonly Finding[]): string {
  const rows = [{ check: 'CHECK', result: 'RESULT', sentence: '' }, ...findings]
  const width = Math.max(...rows.map(({ check }) => check.length))
  return rows
    .map(({ check, result, sentence }) => `${check.padEnd(width)}  ${result.padEnd(7)}  ${sentence}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
