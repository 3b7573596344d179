#!/usr/bin/env node
/** The `dolly` command: what it was asked to do, and how its process ends. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { WebAPIPlatformError } from '@slack/web-api'
import { groupsOf } from './access/rules.js'
import { type Closer, start } from './app.js'
import { verifyAuditOf } from './audit.js'
import { type Config, ConfigError, loadConfig, secretsOf } from './config/env.js'
import { connect, providers } from './connections.js'
import { copyTo } from './copy.js'
import { diagnose } from './doctor.js'
import { ConnectionError } from './errors.js'
import { createRedactor, type Redactor } from './lib/redact.js'
import { createLog, slackLogger } from './log.js'
import { checkDatabase } from './store/check.js'

const HELP = `Dolly clones apps from Slack. README.md and docs/operating.md explain how to set it up and run it.
dolly          start Dolly, with dolly.yml and the variables of the environment and .env (npm start)
dolly doctor   try dolly.yml, Slack's tokens, each connection and a Postgres database once, without starting or writing
               anything (npm start -- doctor); exit with 0 if all is well, with 1 if not
dolly audit verify [end]
               check the audit for altered or missing rows; exit with 0 if there are none, with 1 if there are; with the
               end of the chain from the log ("anchor"), also check whether later rows were cut off
dolly db copy <file>
               copy a SQLite file, live jobs included, to the empty Postgres database of DATABASE_URL, all or nothing; no
               Dolly starts on the file afterwards
dolly help     print this
`

type Command =
  | { kind: 'start' }
  | { kind: 'help' }
  | { kind: 'doctor' }
  | { kind: 'audit'; anchor: string | undefined }
  | { kind: 'copy'; from: string }

/** What this process was asked to do; undefined when the arguments make no sense. */
function readCommand(): Command | undefined {
  try {
    const { values, positionals } = parseArgs({
      options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    const asked = [...positionals, ...(values.check ? ['doctor'] : []), ...(values.help ? ['help'] : [])]
    const [command = 'start', second, third] = asked
    if (command === 'audit')
      return second === 'verify' && asked.length < 4 ? { kind: 'audit', anchor: third } : undefined
    if (command === 'db')
      return second === 'copy' && third && asked.length < 4 ? { kind: 'copy', from: third } : undefined
    const kind = (['start', 'doctor', 'help'] as const).find((known) => known === command)
    return kind && asked.length < 2 ? { kind } : undefined
  } catch {
    return undefined
  }
}

async function main(): Promise<void> {
  const command = readCommand()
  if (command === undefined) return exit(1, process.stderr, `Dolly doesn't know these arguments.\n${HELP}`)
  if (command.kind === 'help') return exit(0, process.stdout, HELP)
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = loadConfig({ providers })
  const redactor = createRedactor(secretsOf(config))
  try {
    if (command.kind === 'start') return await run(config, redactor)
    const isGood = await runOnce(command, config, redactor)
    process.exit(isGood ? 0 : 1)
  } catch (error) {
    complain(error, redactor.redact)
    process.exit(1)
  }
}

/** Does what was asked for, prints what came of it, and returns whether all is well. */
async function runOnce(
  command: Exclude<Command, { kind: 'start' } | { kind: 'help' }>,
  config: Config,
  redactor: Redactor,
): Promise<boolean> {
  switch (command.kind) {
    case 'doctor':
      return await runDoctor(config, redactor)
    case 'audit':
      return await runAudit(config, command.anchor)
    case 'copy':
      process.stdout.write(await copyTo(config.database, command.from, config.auditKeys, Date.now()))
      return true
  }
}

function exit(code: number, stream: NodeJS.WriteStream, text: string): never {
  stream.write(text)
  process.exit(code)
}

/** Starts Dolly and stops it on a signal, or when something breaks that nobody expected. */
async function run(config: Config, redactor: Redactor): Promise<void> {
  const log = createLog(config.logLevel, redactor.redact)
  const closers: Closer[] = []
  let isStopping = false
  const stop = async (code: number) => {
    if (isStopping) return
    isStopping = true
    for (const close of closers.reverse()) await close().catch((error) => log.error({ err: error }, 'stopping broke'))
    log.info({ code }, 'Dolly has stopped')
    process.exit(code)
  }
  // Before anything starts: a stop may come while Slack or the disk keeps us waiting.
  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  const giveUp = (error: unknown) => {
    log.fatal({ err: error }, 'something broke unexpectedly')
    void stop(1)
  }
  process.on('unhandledRejection', giveUp)
  process.on('uncaughtException', giveUp)
  try {
    await start(config, redactor, log, closers)
  } catch (error) {
    complain(error, redactor.redact)
    await stop(1)
  }
}

/** Prints which parts of the configuration work; returns whether all do. A warning is not a failure. */
async function runDoctor(config: Config, redactor: Redactor): Promise<boolean> {
  const logger = slackLogger(createLog('silent', redactor.redact))
  const connections = [...connect(config, { redactor }).values()]
  const slack = { slack: config.slack, groups: groupsOf(config.access.rules), connections, logger }
  const findings = [...(await checkDatabase(config.database, Date.now)), ...(await diagnose(slack))]
  const lines = [...config.warnings.map((warning) => `Warning: ${warning}`), ...findings.map((one) => one.sentence)]
  process.stdout.write(redactor.redact(lines.map((line) => `${line}\n`).join('')))
  return findings.every(({ isGood }) => isGood)
}

/** Prints whether the audit is intact, and returns it. */
async function runAudit({ database, auditKeys }: Config, anchor: string | undefined): Promise<boolean> {
  const { sentence, isGood } = await verifyAuditOf(database, auditKeys, anchor)
  process.stdout.write(`${sentence}\n`)
  return isGood
}

/** What the operator can fix gets its sentence, a bug its stack. Before dolly.yml is read there are no secrets. */
function complain(error: unknown, redact: (text: string) => string = (text) => text): void {
  const isOurs =
    error instanceof ConfigError || error instanceof ConnectionError || error instanceof WebAPIPlatformError
  const isSystems = error instanceof Error && 'code' in error
  const text = error instanceof Error ? (isOurs || isSystems ? error.message : error.stack) : String(error)
  process.stderr.write(redact(`${text}\n`))
}

main().catch((error) => {
  complain(error)
  process.exit(1)
})
