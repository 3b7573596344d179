/** What all commands share that need the configuration. */
import { existsSync } from 'node:fs'
import { type Config, ConfigError, loadConfig, secretsOf } from '../config/env.js'
import { providers } from '../connections.js'
import { ConnectionError } from '../errors.js'
import { createRedactor, type Redactor } from '../lib/redact.js'

export interface Configured {
  config: Config
  /** Knows the secrets of the configuration. */
  redactor: Redactor
}

/**
 * Reads dolly.yml and the variables of the environment and .env.
 *
 * @throws ConfigError with everything that is wrong.
 */
export function readConfiguration(): Configured {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = loadConfig({ providers })
  return { config, redactor: createRedactor(secretsOf(config)) }
}

/** Does something with the configuration. What stops it goes to standard error, and the exit code is 1. */
export async function withConfiguration(work: (configured: Configured) => Promise<number>): Promise<number> {
  // Before dolly.yml is read there are no secrets.
  let redact: Redactor['redact'] = (text) => text
  try {
    const configured = readConfiguration()
    redact = configured.redactor.redact
    return await work(configured)
  } catch (error) {
    process.stderr.write(redact(`${sentenceOf(error)}\n`))
    return 1
  }
}

/** What the operator can fix is a sentence; a bug has its stack. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isSentence = error instanceof ConfigError || error instanceof ConnectionError || 'code' in error
  return isSentence ? error.message : (error.stack ?? error.message)
}
