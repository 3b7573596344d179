/** Reads the environment and dolly.yml into one typed Config, or says in sentences everything that is wrong with them. */
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { type DollyFile, isSafeUrl, readDollyFile, type Sources } from './file.js'
import { stateOf } from './issues.js'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export interface Config extends DollyFile {
  slack: { botToken: string; apiUrl: string; mode: SlackMode }
  /** The path of a SQLite file, relative to the working directory unless it begins with a slash, or `postgres://…`. */
  database: string
  /** The first one seals the audit, all of them verify it. Empty: plain hashes. */
  auditKeys: readonly string[]
  /** Where metrics are read, as an IP address and a port; undefined if nobody reads them. */
  metrics: { host: string; port: number } | undefined
  logLevel: (typeof LOG_LEVELS)[number]
}

/** How Slack reaches Dolly: over a socket that Dolly opens, where a `port` only answers probes, or by requests to `port`. */
export type SlackMode =
  | { kind: 'socket'; appToken: string; port?: number }
  | { kind: 'http'; signingSecret: string; port: number }

/** Dolly cannot start. One sentence per problem, none with a value in it that may be secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(["Dolly can't start:", ...problems].join('\n- '))
    this.problems = problems
  }
}

const matching = (pattern: RegExp, expected: string) => z.string(expected).regex(pattern, expected)

const SLACK_URL = "an https:// address such as Slack's own, https://slack.com/api/ (http:// only on this machine)"
const DATABASE =
  'a SQLite file such as file:data/dolly.db, or a Postgres database such as postgres://user:password@host:5432/dolly (in the ' +
  'password write @ / : # % as %40 %2F %3A %23 %25)'
const AUDIT_KEY =
  'a key of at least 16 characters without spaces, such as "openssl rand -hex 32" makes, or several with spaces between them'
const PORT = 'a port number from 1 to 65535'
const METRICS_HOST = 'an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all that it has'

const portNumber = matching(/^\d{1,5}$/, PORT)
  .transform(Number)
  .refine((number) => number >= 1 && number <= 65_535, PORT)

/** Every variable but those that dolly.yml refers to. Messages continue the sentence "X must be …". */
const Environment = z.object({
  DOLLY_CONFIG: matching(/\S/, 'the path of your dolly.yml').prefault('dolly.yml'),
  // Of Slack's secrets too none may be shorter than 8 characters, see config/file.ts; its own are far longer.
  SLACK_BOT_TOKEN: matching(/^xoxb-[\w-]{3,}$/, 'the bot token of your Slack app, which begins with xoxb-'),
  SLACK_APP_TOKEN: matching(
    /^xapp-[\w-]{3,}$/,
    'an app-level token of your Slack app, which begins with xapp-, or be left out for HTTP mode',
  ).optional(),
  SLACK_SIGNING_SECRET: matching(
    /^\S{8,}$/,
    'the signing secret of your Slack app, or be left out for Socket Mode',
  ).optional(),
  PORT: portNumber.optional(),
  METRICS_PORT: portNumber.optional(),
  METRICS_HOST: z
    .string(METRICS_HOST)
    .refine((host) => isIP(host) !== 0, METRICS_HOST)
    .optional(),
  SLACK_API_URL: z
    .string(SLACK_URL)
    .refine(isSafeUrl, SLACK_URL)
    .transform((url) => (url.endsWith('/') ? url : `${url}/`))
    .prefault('https://slack.com/api/'),
  // `file://data/…` is refused because `data` would be the name of a host there.
  DATABASE_URL: matching(/^(file:(\/\/(?=\/))?(?!\/\/|:memory:)\S[^?]*|postgres(ql)?:\/\/\S+)$/, DATABASE)
    .refine((url) => !url.startsWith('postgres') || isReadableUrl(url), DATABASE)
    .transform((url) => url.replace(/^file:(\/\/)?/, ''))
    .prefault('file:data/dolly.db'),
  DOLLY_AUDIT_KEY: matching(/^\s*\S{16,}(\s+\S{16,})*\s*$/, AUDIT_KEY)
    .transform((keys) => keys.trim().split(/\s+/))
    .optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`).prefault('info'),
})

/**
 * Reads everything once. With both an app-level token and a signing secret Socket Mode wins: it opens no port.
 * Throws a ConfigError with all problems at once.
 */
export function loadConfig({
  env = process.env,
  readFile = (path) => readFileSync(path, 'utf8'),
  rightsOf = (path) => statSync(path, { throwIfNoEntry: false })?.mode,
  providers,
}: Partial<Sources> & Pick<Sources, 'providers'>): Config {
  const problems: string[] = []
  const environment = Environment.safeParse(env)
  for (const { path, message } of environment.error?.issues ?? []) {
    problems.push(`${path.join('.')} ${stateOf(env[String(path[0])])}; it must be ${message}.`)
  }
  if (env.SLACK_APP_TOKEN === undefined && env.SLACK_SIGNING_SECRET === undefined) {
    problems.push(
      'Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set; set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which ' +
        'needs no public address, or SLACK_SIGNING_SECRET for HTTP mode, with PORT if it is not 3000.',
    )
  }
  const path = Environment.shape.DOLLY_CONFIG.safeParse(env.DOLLY_CONFIG)
  const file = path.success && readDollyFile(path.data, { env, readFile, rightsOf, providers }, problems)
  const mode = environment.success ? modeOf(environment.data) : undefined
  const metrics = environment.success ? metricsOf(environment.data, mode?.port, problems) : undefined
  if (!environment.success || !mode || !file || problems.length > 0) throw new ConfigError(problems)

  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl, DATABASE_URL, LOG_LEVEL: logLevel } = environment.data
  const { DOLLY_AUDIT_KEY: auditKeys = [] } = environment.data
  return { slack: { botToken, apiUrl, mode }, database: DATABASE_URL, auditKeys, metrics, logLevel, ...file }
}

/** All strings that no log may show, longest first, so that one that contains another is replaced whole. */
export function secretsOf({ slack, connections, auditKeys, database }: Config): string[] {
  const secrets = new Set([
    slack.botToken,
    slack.mode.kind === 'socket' ? slack.mode.appToken : slack.mode.signingSecret,
    ...connections.flatMap((connection) => connection.secrets),
    ...auditKeys,
    ...passwordOf(database),
  ])
  return [...secrets].sort((a, b) => b.length - a.length)
}

/** A password with a % that nobody encoded would make every later reading of the address break. */
function isReadableUrl(url: string): boolean {
  try {
    decodeURIComponent(new URL(url).password + new URL(url).pathname)
    return true
  } catch {
    return false
  }
}

/** The password of a Postgres address, as it's written there and as it is. It may also stand in the query: `?password=…`. */
function passwordOf(address: string): string[] {
  if (!URL.canParse(address)) return []
  const { password, searchParams } = new URL(address)
  const all = [password, decodeURIComponent(password), ...searchParams.getAll('password')]
  return [...new Set(all)].filter((one) => one !== '')
}

function metricsOf(
  { METRICS_PORT: port, METRICS_HOST: host }: z.output<typeof Environment>,
  slackPort: number | undefined,
  problems: string[],
): Config['metrics'] {
  if (port !== undefined && port === slackPort)
    problems.push(`METRICS_PORT is ${port}, which is PORT too; give the metrics a port of their own.`)
  if (port === undefined && host !== undefined)
    problems.push('METRICS_HOST is set, but METRICS_PORT is not; set METRICS_PORT as well, or neither.')
  return port === undefined ? undefined : { host: host ?? '127.0.0.1', port }
}

function modeOf(environment: z.output<typeof Environment>): SlackMode | undefined {
  const { SLACK_APP_TOKEN: appToken, SLACK_SIGNING_SECRET: signingSecret, PORT } = environment
  if (appToken !== undefined) return { kind: 'socket', appToken, ...(PORT === undefined ? {} : { port: PORT }) }
  return signingSecret === undefined ? undefined : { kind: 'http', signingSecret, port: PORT ?? 3000 }
}
