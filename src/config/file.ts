/** Reads dolly.yml: its connections with their variables filled in, the access rules, and how often to poll. */
import { z } from 'zod'
import type { AccessRules } from '../access/rules.js'
import { COMMAND_WORDS } from '../access/words.js'
import { isRecord } from '../lib/record.js'
import { MIN_SECRET_LENGTH } from '../lib/redact.js'
import type { ExpiryPolicy } from '../providers/provider.js'
import { type AccessReading, compareRules, type Operations, Owner, rulesSchema } from './access.js'
import { expirySchema } from './expiry.js'
import { expectation, expectType, problemIssue, problemsIn, stateOf } from './issues.js'
import { Keep } from './keep.js'
import { parseFile } from './yaml.js'

/** What dolly.yml says. */
export interface DollyFile {
  connections: readonly ConnectionConfig[]
  /** Who can do what. */
  access: AccessRules
  /** Whether a thread may be put into a channel that is shared with another company. */
  sharedChannels: boolean
  /** How long ended jobs, their events and the audit stay in the database. */
  keep: Keep
  /** Seconds between two searches for due jobs, 1 to 60. */
  tickSeconds: number
  /** Sentences about what works but may not be what was meant. */
  warnings: readonly string[]
}

export interface ConnectionConfig {
  name: string
  /** Id of a provider that is in the list. */
  provider: string
  /** What the provider's own schema made of the rest. */
  settings: unknown
  /** How long what is made there is kept. */
  expiry: ExpiryPolicy
  /** All tokens and passwords among the settings, and the longer values of variables they refer to, for `secretsOf`. */
  secrets: readonly string[]
}

/** What config needs to know of a provider. */
export interface ProviderSchema {
  id: string
  connection: z.ZodType
  operations: Operations
}

/** Where the configuration comes from. */
export interface Sources {
  env: Readonly<Record<string, string | undefined>>
  readFile(path: string): string
  /** Who may read and write a file, as the lower nine bits of its mode; undefined if unknown. */
  rightsOf(path: string): number | undefined
  providers: readonly ProviderSchema[]
}

interface Reading {
  env: Sources['env']
  note: AccessReading['note']
  /** By connection: all its tokens and passwords, and the longer values of variables. */
  secrets: Map<string, Set<string>>
  /** Keys whose secret stands in the file itself. */
  openSecrets: string[]
  /** Keys whose variable is missing. */
  unresolved: Set<string>
}

/** The file's share of the Config, or undefined after a problem. */
export function readDollyFile(file: string, sources: Sources, problems: string[]): DollyFile | undefined {
  const parsed = parseFile(file, sources.readFile, problems)
  if (!parsed) return undefined
  const { lineOf } = parsed
  const sentence = (path: readonly string[], text: string) => `${nameOf(path)} in ${file}${lineOf(path)} ${text}.`
  const note: AccessReading['note'] = (path, problem) => void problems.push(sentence(path, problem))
  const reading: Reading = { env: sources.env, note, secrets: new Map(), openSecrets: [], unresolved: new Set() }
  const content: Record<string, unknown> = {
    ...parsed.content,
    connections: expand(parsed.content.connections, ['connections'], reading),
  }
  const connections = isRecord(content.connections) ? content.connections : {}
  const warnings = warningsOfReaders(file, sources.rightsOf(file), reading.openSecrets)
  const access: AccessReading = {
    ...operationsOf(connections, sources.providers),
    lineOf,
    note,
    warn: (path, problem) => void warnings.push(sentence(path, problem)),
  }
  for (const name of Object.keys(connections).filter((one) => !/^[a-z0-9-]{1,40}$/.test(one)))
    note(['connections', name], `has a name that can't be used; use 1 to 40 lowercase letters, digits and hyphens`)
  for (const name of Object.keys(connections).filter((one) => COMMAND_WORDS.some((word) => word === one)))
    note(['connections', name], `has a name that /clone-app takes for a command; choose another, such as ${name}-prod`)
  checkUrls(connections, ['connections'], note)
  const { data, error } = fileSchema(sources.providers, access).safeParse(content, { error: expectation })
  for (const { path, text, isUnknownKey } of problemsIn(error, content)) {
    // Where a variable is missing, that is the one problem with the value.
    if (isUnknownKey || !reading.unresolved.has(path.join('.'))) note(path, text)
  }
  compareRules(content.access, access)
  if (!data) return undefined
  const secretsOf = (name: string) => [...(reading.secrets.get(name) ?? [])]
  return {
    connections: Object.entries(data.connections).map(([name, one]) => ({ name, ...one, secrets: secretsOf(name) })),
    access: { rules: data.access, owner: data.owner },
    sharedChannels: data.sharedChannels,
    keep: data.keep,
    tickSeconds: data.poll.everySeconds,
    warnings,
  }
}

const EVERY_SECONDS = 'expected a whole number from 1 to 60, without quotes'
const TOO_SHORT = `expected at least ${MIN_SECRET_LENGTH} characters: a shorter one can't be kept out of the log`
const NO_CONNECTION = 'names no connection; add at least one, as dolly.example.yml shows'
const SECRET_KEY = /token|secret|password/i

/** All of dolly.yml, once its variables are filled in. */
function fileSchema(providers: readonly ProviderSchema[], access: AccessReading) {
  return z.strictObject({
    connections: z.preprocess(
      (value, context) => {
        if (!isRecord(value) || Object.keys(value).length === 0) context.addIssue(problemIssue(NO_CONNECTION))
        return value
      },
      z.record(z.string(), connectionSchema(providers)),
    ),
    owner: Owner,
    access: rulesSchema(access),
    sharedChannels: z
      .boolean('expected true or false')
      .nullish()
      .transform((isAllowed) => isAllowed ?? false),
    keep: Keep,
    poll: z
      .strictObject(
        { everySeconds: z.int(EVERY_SECONDS).min(1, EVERY_SECONDS).max(60, EVERY_SECONDS).default(2) },
        { error: expectType('expected a mapping with the key "everySeconds"') },
      )
      .prefault({}),
  })
}

function connectionSchema(providers: readonly ProviderSchema[]) {
  const provider = z.enum(providers.map(({ id }) => id))
  const error = expectType('expected a mapping with the key "provider", as dolly.example.yml shows')
  return z.looseObject({ provider }, { error }).transform(({ provider: id, expiry: keep, ...given }, context) => {
    const schema = providers.find((candidate) => candidate.id === id)?.connection ?? z.never()
    const known = Object.keys(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {})
    const keys = Object.keys(given).filter((key) => !known.includes(key))
    if (keys.length > 0) {
      const message = ['provider', ...known, 'expiry'].join(', ')
      context.issues.push({ code: 'unrecognized_keys', keys, message, input: given })
    }
    const { data: settings, error } = schema.safeParse(given, { error: expectation })
    for (const { path, text } of problemsIn(error, given)) context.addIssue({ ...problemIssue(text), path: [...path] })
    for (const [key, value] of error ? [] : Object.entries(given)) {
      const isTooShort = typeof value === 'string' && value.trim().length < MIN_SECRET_LENGTH && SECRET_KEY.test(key)
      if (isTooShort) context.addIssue({ code: 'custom', message: TOO_SHORT, path: [key] })
    }
    const expiry = expirySchema.safeParse(keep, { error: expectation })
    for (const { path, text } of problemsIn(expiry.error, keep))
      context.addIssue({ ...problemIssue(text), path: ['expiry', ...path] })
    return expiry.data ? { provider: id, settings, expiry: expiry.data } : z.NEVER
  })
}

/** What the connections can do. One with a problem of its own may turn out to be able to do anything. */
function operationsOf(connections: Record<string, unknown>, providers: readonly ProviderSchema[]) {
  const operations: Operations = Object.assign({}, ...providers.map((provider) => provider.operations))
  const own = (value: unknown) => providers.find(({ id }) => isRecord(value) && value.provider === id)?.operations
  const all = Object.entries(connections).map(([name, value]) => [name, own(value) ?? operations] as const)
  return { operations, connections: new Map(all) }
}

/** Anyone who can read a secret in dolly.yml can do all that Dolly can, bypassing the rules. */
function warningsOfReaders(file: string, rights: number | undefined, [first]: readonly string[]): string[] {
  if (first === undefined || ((rights ?? 0) & 0o077) === 0) return []
  return [
    `${file} contains ${first}, and other users of this machine can read it. Run chmod 600 ${file}, or move the secret to the environment and refer to it as \${NAME}.`,
  ]
}

/** Addresses and ids, which stand in a provider's answers and are needed as they are: the next page, a link. */
const PUBLIC_KEYS = ['provider', 'url', 'appUrl', 'organization', 'workspace', 'origin', 'clientId', 'username']

/**
 * Whether what stands at `at` in a value is public: the whole of such a key, or a part of the host in an address, such as
 * `https://api.${DOMAIN}`. Redacted, it would break the addresses that a provider answers with.
 */
function isPublic(key: string | undefined, value: string, reference: string, at: number): boolean {
  if (key === undefined || !PUBLIC_KEYS.includes(key)) return false
  return reference === value || /^[^/]*:\/\/[^/?#@]*$/.test(value.slice(0, at))
}

/**
 * The value with every `${NAME}` in its strings replaced; `$${` stays a literal `${`. Tokens and passwords are noted as
 * secrets, and so are values of variables that are long enough and not public.
 */
function expand(value: unknown, path: readonly string[], reading: Reading): unknown {
  if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, `${index}`], reading))
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key], reading)]))
  }
  if (typeof value !== 'string') return value
  const [, connection = '', key = ''] = path
  const secrets = reading.secrets.get(connection) ?? new Set()
  reading.secrets.set(connection, secrets)
  const text = value.replace(/\$\$\{|\$\{(?:([A-Za-z_]\w*)\})?/g, (reference, name: string | undefined, at: number) => {
    if (reference === '$${') return '${'
    const found = name === undefined ? undefined : reading.env[name]
    if (found !== undefined && found.trim() !== '') {
      if (found.length >= MIN_SECRET_LENGTH && !isPublic(path.at(-1), value, reference, at)) secrets.add(found)
      return found
    }
    const problem =
      name === undefined
        ? `has a "\${" that starts no reference; write \${NAME} for a variable, or $\${ for a literal \${`
        : `refers to the variable ${name}, which ${stateOf(found)}; set it, or change the key`
    reading.note(path, problem)
    reading.unresolved.add(path.join('.'))
    return reference
  })
  if (SECRET_KEY.test(key)) {
    // Some providers send it without the blanks around it.
    secrets.add(text.trim())
    if (!/(?<!\$)\$\{\w/.test(value)) reading.openSecrets.push(path.join('.'))
  }
  return text
}

/** Refuses what would send a token in clear text, whatever the provider calls its address. */
function checkUrls(value: unknown, path: readonly string[], note: Reading['note']): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) checkUrls(item, [...path, key], note)
  } else if (typeof value === 'string' && isWebUrl(value) && !isSafeUrl(value)) {
    const expected = 'it must begin with https:// (http:// only on this machine) and contain no user name or password'
    note(path, `is not safe; ${expected}`)
  }
}

/** Rules and the words of their lists have no names, so they are counted, from 1. */
function nameOf(path: readonly string[]): string {
  const [top, rule, ...rest] = path
  if (top !== 'access' || rule === undefined) return path.join('.')
  const words = rest.map((part) => (/^\d+$/.test(part) ? `word ${Number(part) + 1}` : part))
  return [...words.reverse(), `rule ${Number(rule) + 1}`, top].join(' of ')
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Whether a token may be sent there: over https, or to this machine itself. */
export function isSafeUrl(text: string): boolean {
  if (!isWebUrl(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isLoopback = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  return (protocol === 'https:' || isLoopback) && username === '' && password === ''
}
