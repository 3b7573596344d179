/** Reads dolly.yml: its connections with their variables filled in, the access rules, and how often to poll. */
import { z } from 'zod'
import type { AccessRules } from '../access/rules.js'
import { didYouMean } from '../lib/closest.js'
import { MIN_SECRET_LENGTH } from '../lib/redact.js'
import { readAccess } from './access.js'
import { expectation, problemsIn, stateOf, unknownKey } from './issues.js'
import { isMapping, type Mapping, parseFile } from './yaml.js'

/** What dolly.yml says. */
export interface DollyFile {
  connections: readonly ConnectionConfig[]
  /** Who can do what. */
  access: AccessRules
  /** Whether a thread may be put into a channel that is shared with another company. */
  sharedChannels: boolean
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
  /** All tokens and passwords among the settings, and the longer values of variables they refer to, for `secretsOf`. */
  secrets: readonly string[]
}

/** What config needs to know of a provider. */
export interface ProviderSchema {
  id: string
  connection: z.ZodType
  operations: Readonly<Record<string, { copiesData: boolean }>>
}

const EVERY_SECONDS = 'expected a whole number from 1 to 60, without quotes'

const YES_OR_NO = 'expected true or false'
const SharedChannels = z.boolean(YES_OR_NO).nullish()
const Poll = z.strictObject({
  everySeconds: z.int(EVERY_SECONDS).min(1, EVERY_SECONDS).max(60, EVERY_SECONDS).default(2),
})

/** What reading dolly.yml needs, and where its problems go. */
export interface FileSources {
  /** Path of the file. */
  file: string
  readFile: (path: string) => string
  env: Readonly<Record<string, string | undefined>>
  providers: readonly ProviderSchema[]
  problems: string[]
  /** Who may read and write the file, as the lower nine bits of its mode; undefined if unknown. */
  rightsOf?: (path: string) => number | undefined
}

interface Reading extends FileSources {
  warnings: string[]
  /** Keys whose secret stands in the file itself. */
  openSecrets: string[]
  /** Where a key is, to put after its name: " (line 7)". Empty if nothing of it is in the file. */
  lineOf(path: readonly string[]): string
  /** Keys whose variable is missing: their schema has nothing to add. */
  unresolved: Set<string>
}

/** The file's share of the Config, or undefined after a problem with the file itself. */
export function readDollyFile(sources: FileSources): DollyFile | undefined {
  const parsed = parseFile(sources)
  if (!parsed) return undefined
  const { content, lineOf } = parsed
  const reading: Reading = { ...sources, lineOf, unresolved: new Set(), warnings: [], openSecrets: [] }
  const known = ['connections', 'owner', 'access', 'sharedChannels', 'poll']
  const { connections, owner, access, sharedChannels, poll = {} } = onlyKnown(content, known, [], reading)
  if (!isMapping(connections) || Object.keys(connections).length === 0) {
    note(reading, ['connections'], 'names no connection; add at least one, as dolly.example.yml shows')
  }
  const polling = isMapping(poll) ? parse(Poll, poll, ['poll'], reading, Object.keys(Poll.shape)) : undefined
  if (!isMapping(poll)) note(reading, ['poll'], `must be a mapping; its keys are ${Object.keys(Poll.shape).join(', ')}`)
  const all = Object.entries(isMapping(connections) ? connections : {}).map(
    ([name, value]) => [name, readConnection(name, value, reading)] as const,
  )
  warnOfReaders(reading)
  const operations = [...new Set(reading.providers.flatMap((provider) => Object.keys(provider.operations)))]
  const declared = (id: string) => Object.entries(reading.providers.find((one) => one.id === id)?.operations ?? {})
  const operationsOf = (id: string) => declared(id).map(([operation]) => operation)
  const copyingData = (id: string) =>
    declared(id).flatMap(([operation, { copiesData }]) => (copiesData ? operation : []))
  return {
    connections: all.flatMap(([, connection]) => connection ?? []),
    access: readAccess(access, owner, {
      // One with a problem of its own may turn out to be able to do anything.
      connections: new Map(all.map(([name, one]) => [name, one ? operationsOf(one.provider) : operations])),
      operations,
      copyingData: new Map(all.map(([name, one]) => [name, one ? copyingData(one.provider) : []])),
      lineOf,
      note: (path, problem) => note(reading, path, problem),
      warn: (path, problem) => reading.warnings.push(sentenceOn(reading, path, problem)),
    }),
    sharedChannels: parse(SharedChannels, sharedChannels, ['sharedChannels'], reading) ?? false,
    tickSeconds: polling?.everySeconds ?? 0,
    warnings: reading.warnings,
  }
}

/** Anyone who can read a secret in dolly.yml can do all that Dolly can, bypassing the rules. */
function warnOfReaders({ file, rightsOf, openSecrets, warnings }: Reading): void {
  const [first] = openSecrets
  if (first === undefined || ((rightsOf?.(file) ?? 0) & 0o077) === 0) return
  warnings.push(
    `${file} contains ${first}, and other users of this machine may open it. Run chmod 600 ${file}, or move the secret to the environment and refer to it as \${NAME}.`,
  )
}

const tooShort = `expected at least ${MIN_SECRET_LENGTH} characters: a shorter one can’t be kept out of the log`

function readConnection(name: string, value: unknown, reading: Reading): ConnectionConfig | undefined {
  const path = ['connections', name]
  if (!/^[a-z0-9-]{1,40}$/.test(name)) {
    note(reading, path, 'has a name that cannot be used; use 1 to 40 lower-case letters, digits and hyphens')
  }
  if (!isMapping(value)) {
    note(reading, path, 'must be a mapping with the key "provider", as dolly.example.yml shows')
    return undefined
  }
  const { provider: id, ...rest } = value
  const secrets: string[] = []
  const settings = expand(rest, path, reading, secrets)
  const providerId = expand(id, [...path, 'provider'], reading, [])
  const provider = reading.providers.find((candidate) => candidate.id === providerId)
  if (!provider) {
    const ids = reading.providers.map((candidate) => candidate.id)
    const near = typeof providerId === 'string' ? didYouMean(providerId, ids, '; did') : ''
    noteUnlessUnresolved(
      reading,
      [...path, 'provider'],
      `${stateOf(providerId)}${near}: expected one of ${ids.join(', ')}`,
    )
    return undefined
  }
  const { properties = {} } = z.toJSONSchema(provider.connection, { io: 'input', unrepresentable: 'any' })
  const known = onlyKnown(settings, ['provider', ...Object.keys(properties)], path, reading)
  checkUrls(known, path, reading)
  const checked = parse(provider.connection, known, path, reading)
  for (const [key, item] of Object.entries(known)) {
    if (!/token|secret|password/i.test(key) || typeof item !== 'string') continue
    // Some providers send it without the blanks around it.
    const secret = item.trim()
    const written = rest[key]
    if (typeof written === 'string' && !/(?<!\$)\$\{\w/.test(written))
      reading.openSecrets.push([...path, key].join('.'))
    // One that stands in the file itself is as secret as one that comes from the environment.
    if (!secrets.includes(secret)) secrets.push(secret)
    // Where its provider refuses it anyway, one problem is enough.
    if (secret.length < MIN_SECRET_LENGTH && checked !== undefined)
      noteUnlessUnresolved(reading, [...path, key], `${stateOf(item)}: ${tooShort}`)
  }
  return { name, provider: provider.id, settings: checked, secrets }
}

/** Addresses and ids, which stand in a provider's answers and are needed as they are: the next page, a link. */
const PUBLIC_KEYS = ['url', 'appUrl', 'organization', 'workspace', 'origin', 'clientId', 'username']

/**
 * Whether what stands at `at` in a value is public: the whole of such a key, or a part of the host in an address, such as
 * `https://api.${DOMAIN}`. Redacted, it would break the addresses that a provider answers with.
 */
function isPublic(key: string | undefined, value: string, reference: string, at: number): boolean {
  if (key === undefined || !PUBLIC_KEYS.includes(key)) return false
  return reference === value || /^[^/]*:\/\/[^/?#@]*$/.test(value.slice(0, at))
}

/**
 * The value with every `${NAME}` in its strings replaced; `$${` stays a literal `${`. Values used go to `secrets`, where
 * they are long enough and not public.
 */
function expand(value: unknown, path: readonly string[], reading: Reading, secrets: string[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, `${index}`], reading, secrets))
  if (isMapping(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key], reading, secrets)]),
    )
  }
  if (typeof value !== 'string') return value
  return value.replace(/\$\$\{|\$\{(?:([A-Za-z_]\w*)\})?/g, (reference, name: string | undefined, at: number) => {
    if (reference === '$${') return '${'
    const found = name === undefined ? undefined : reading.env[name]
    if (found !== undefined && found.trim() !== '') {
      if (found.length >= MIN_SECRET_LENGTH && !isPublic(path.at(-1), value, reference, at)) secrets.push(found)
      return found
    }
    const problem =
      name === undefined
        ? `has a "\${" that begins no reference; write \${NAME} for a variable, or $\${ for the characters themselves`
        : `refers to the variable ${name}, which ${stateOf(found)}; set it, or change the key`
    note(reading, path, problem)
    reading.unresolved.add(path.join('.'))
    return reference
  })
}

/** Refuses what would send a token in clear text, whatever the provider calls its address. */
function checkUrls(value: unknown, path: readonly string[], reading: Reading): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) checkUrls(item, [...path, key], reading)
  } else if (typeof value === 'string' && isWebUrl(value) && !isSafeUrl(value)) {
    const expected =
      'it must begin with https:// (http:// only for this machine itself) and hold no user name or password'
    note(reading, path, `is not safe; ${expected}`)
  }
}

/** The schema's output, or undefined after its problems were noted. */
function parse<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: readonly string[],
  reading: Reading,
  known: readonly string[] = [],
): T | undefined {
  const { data, error } = schema.safeParse(value, { error: expectation })
  for (const problem of problemsIn(error, value, known))
    noteUnlessUnresolved(reading, [...path, ...problem.path], problem.text)
  return data
}

/** The part of `value` under known keys; every other key is a problem that names its nearest neighbour. */
function onlyKnown(value: unknown, known: readonly string[], path: readonly string[], reading: Reading): Mapping {
  if (!isMapping(value)) {
    note(reading, path, `must be a mapping; its keys are ${known.join(', ')}`)
    return {}
  }
  for (const key of Object.keys(value).filter((candidate) => !known.includes(candidate))) {
    note(reading, [...path, key], unknownKey(key, known))
  }
  return Object.fromEntries(Object.entries(value).filter(([key]) => known.includes(key)))
}

function note(reading: Reading, path: readonly string[], problem: string): void {
  reading.problems.push(sentenceOn(reading, path, problem))
}

function sentenceOn({ file, lineOf }: Reading, path: readonly string[], problem: string): string {
  return `${nameOf(path)} in ${file}${lineOf(path)} ${problem}.`
}

/** Rules and the words of their lists have no names, so they are counted, from 1. */
function nameOf(path: readonly string[]): string {
  const [top, rule, ...rest] = path
  if (top !== 'access' || rule === undefined) return path.join('.')
  const parts = [
    `rule ${Number(rule) + 1}`,
    ...rest.map((part) => (/^\d+$/.test(part) ? `word ${Number(part) + 1}` : part)),
  ]
  return [...parts.reverse(), top].join(' of ')
}

/** A missing variable is the one problem to solve there. */
function noteUnlessUnresolved(reading: Reading, path: readonly string[], problem: string): void {
  if (!reading.unresolved.has(path.join('.'))) note(reading, path, problem)
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
