/** `dolly init`: writes a dolly.yml with one connection, and a .env with the variables to fill in. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { providers } from '../connections.js'
import { didYouMean } from '../lib/closest.js'
import { packageFile } from '../package.js'

export async function run([wanted]: readonly string[]): Promise<number> {
  const { isDone, text } = initialize(process.cwd(), wanted)
  const stream = isDone ? process.stdout : process.stderr
  stream.write(`${text}\n`)
  return isDone ? 0 : 1
}

/**
 * Writes both files into a folder, or none.
 *
 * @param wanted id of a provider. Default: the first one.
 * @returns what the operator reads: the next steps, or why nothing was written.
 */
export function initialize(folder: string, wanted?: string): { isDone: boolean; text: string } {
  const ids = providers.map(({ id }) => id)
  const provider = wanted === undefined ? providers[0] : providers.find(({ id }) => id === wanted)
  if (!provider) {
    const suggestion = didYouMean(wanted ?? '', ids)
    return {
      isDone: false,
      text: `There's no provider "${wanted}".${suggestion} The providers are: ${ids.join(', ')}.`,
    }
  }
  const there = ['dolly.yml', '.env'].filter((name) => existsSync(join(folder, name)))
  if (there.length > 0) {
    const them = there.length > 1 ? 'them' : 'it'
    const text = `There's a ${there.join(' and a ')} here already, so nothing was written. Move ${them} away, or use another folder.`
    return { isDone: false, text }
  }
  const config = oneConnection(readFileSync(packageFile('dolly.example.yml'), 'utf8'), provider.id)
  const variables = variablesOf(config)
  writeFileSync(join(folder, 'dolly.yml'), config, { flag: 'wx' })
  writeFileSync(join(folder, '.env'), environmentFor(variables), { flag: 'wx', mode: 0o600 })
  const others = ids.filter((id) => id !== provider.id)
  const another = `\n\nTo start with another provider (${others.join(', ')}), delete both files and run, for example, "dolly init ${others[0]}".`
  const manifest = relative(folder, fileURLToPath(packageFile('manifest.yml')))
  return {
    isDone: true,
    text: `Wrote dolly.yml, with one connection to ${provider.name}, and .env, which only you can read.

Next:
1. On https://api.slack.com/apps choose "Create New App", "From a manifest", and paste ${manifest}.
2. Fill in .env: ${['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', ...variables].join(', ')}. In dolly.yml, check the connection and who may do what.
3. Run "dolly doctor". When nothing fails, run "dolly start".${wanted === undefined ? another : ''}`,
  }
}

/** dolly.example.yml with the first connection to this provider alone. */
export function oneConnection(example: string, provider: string): string {
  const [, head = '', connections = '', rest = ''] = /^(.*?^connections:\n)(.*?)(^\S.*)$/ms.exec(example) ?? []
  const blocks = connections.split(/^(?= {2}[a-z0-9-]+:$)/m)
  const block = blocks.find((candidate) => candidate.includes(`\n    provider: ${provider}\n`))
  if (block === undefined) throw new Error(`dolly.example.yml has no connection to ${provider}.`)
  const ours = head
    .replace('Copy this file to dolly.yml and fill it in.', 'Fill it in.')
    .replace('.env.example', '.env')
  return `${ours}${block.trimEnd()}\n\n${rest}`
}

/** The variables that a dolly.yml refers to outside of its comments. */
function variablesOf(config: string): string[] {
  const lines = config.split('\n').filter((line) => !/^\s*#/.test(line))
  return [...new Set(lines.flatMap((line) => [...line.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)))]
}

function environmentFor(variables: readonly string[]): string {
  return `# Secrets of this machine. A variable that is set must not be empty.

# The bot token of your Slack app, from "OAuth & Permissions". Starts with xoxb-.
SLACK_BOT_TOKEN=

# An app-level token with the scope connections:write, from "Basic Information". Starts with xapp-. For HTTP mode,
# set SLACK_SIGNING_SECRET instead, and PORT if it isn't 3000. README.md lists all variables.
SLACK_APP_TOKEN=

# What dolly.yml refers to.
${variables.map((name) => `${name}=\n`).join('')}`
}
