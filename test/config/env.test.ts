/** Config: what is read from dolly.yml and the environment, and each sentence that stops the start. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how dolly.yml refers to a variable
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decide } from '../../src/access/rules.js'
import { ConfigError, loadConfig, secretsOf } from '../../src/config/env.js'
import * as listed from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'

const realProviders: readonly Provider[] = Object.values(listed)

/** A stand-in with the kinds of keys that real providers have. */
const shear = {
  id: 'shear',
  connection: z.object({
    url: z.url().default('https://api.shear.test'),
    token: z.string().regex(/^sh_/, 'a Shear token begins with sh_'),
    region: z.string().optional(),
    retries: z.number().optional(),
  }),
  operations: { clone: { copiesData: true }, 'copy-bits': { copiesData: false } },
}

const socketEnv = { SLACK_BOT_TOKEN: 'xoxb-1-bot', SLACK_APP_TOKEN: 'xapp-1-app', SHEAR_TOKEN: 'sh_woolly' }
const { SLACK_APP_TOKEN: _, ...withoutAppToken } = socketEnv
const httpEnv = { ...withoutAppToken, SLACK_SIGNING_SECRET: 'c0ffee77' }

const access = 'access: [{ who: members, may: "*", on: "*" }]'
const connections = ['connections:', '  farm:', '    provider: shear', '    token: ${SHEAR_TOKEN}'].join('\n')
const file = `${connections}\n${access}`

const dayMs = 24 * 60 * 60_000

interface Given {
  env?: Record<string, string | undefined>
  yaml?: string
  /** Who may read dolly.yml. */
  rights?: number
}

function load({ env = {}, yaml = file, rights = 0o600 }: Given = {}) {
  return loadConfig({
    env: { ...socketEnv, ...env },
    readFile: () => yaml,
    rightsOf: () => rights,
    providers: [shear],
  })
}

function problemsOf(action: () => unknown): readonly string[] {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

/** A connection `farm` of the stand-in with these further lines. */
function farm(...lines: string[]): string {
  return [access, 'connections:', '  farm:', '    provider: shear', ...lines.map((line) => `    ${line}`)].join('\n')
}

describe('a valid start', () => {
  test('needs two tokens and one connection; the rest has defaults', () => {
    expect(load()).toEqual({
      slack: {
        botToken: 'xoxb-1-bot',
        apiUrl: 'https://slack.com/api/',
        mode: { kind: 'socket', appToken: 'xapp-1-app' },
      },
      database: 'data/dolly.db',
      auditKeys: [],
      metrics: undefined,
      logLevel: 'info',
      connections: [
        {
          name: 'farm',
          provider: 'shear',
          settings: { url: 'https://api.shear.test', token: 'sh_woolly' },
          secrets: ['sh_woolly'],
          expiry: { defaultMs: null, maxMs: null, atEnd: 'ask' },
        },
      ],
      access: {
        rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }],
        owner: 'the people who run Dolly',
      },
      sharedChannels: false,
      keep: { jobsMs: 400 * dayMs, eventsMs: 400 * dayMs, auditMs: 400 * dayMs },
      tickSeconds: 2,
      warnings: [],
    })
  })

  test('takes every setting', () => {
    const env = {
      SLACK_API_URL: 'http://127.0.0.1:4000/api',
      DATABASE_URL: 'file:///var/lib/dolly.db',
      LOG_LEVEL: 'debug',
    }
    const config = load({ env, yaml: `${file}\npoll:\n  everySeconds: 60\n` })
    expect(config.slack.apiUrl).toBe('http://127.0.0.1:4000/api/')
    expect(config.database).toBe('/var/lib/dolly.db')
    expect(config.logLevel).toBe('debug')
    expect(config.tickSeconds).toBe(60)
  })

  test('serves metrics to this machine alone, unless it is told another address', () => {
    expect(load({ env: { METRICS_PORT: '9464' } }).metrics).toEqual({ host: '127.0.0.1', port: 9464 })
    expect(load({ env: { METRICS_PORT: '9464', METRICS_HOST: '::' } }).metrics).toEqual({ host: '::', port: 9464 })
  })

  test('reads how long what is made on a connection is kept', () => {
    const expiryOf = (text: string) => load({ yaml: file.replace(/(\n\s*)(token:.*)/, `$1$2$1expiry: ${text}`) })
    const kept = (text: string) => expiryOf(text).connections[0]?.expiry
    expect(kept('{ default: 12h, max: 30d, then: delete }')).toEqual({
      defaultMs: 12 * 3_600_000,
      maxMs: 30 * 86_400_000,
      atEnd: 'delete',
    })
    // Without a default, the longest time is one.
    expect(kept('{ max: 7d }')).toEqual({ defaultMs: 7 * 86_400_000, maxMs: 7 * 86_400_000, atEnd: 'ask' })
    expect(kept('{ default: 1w }')).toEqual({ defaultMs: 7 * 86_400_000, maxMs: null, atEnd: 'ask' })
    expect(kept('')).toEqual({ defaultMs: null, maxMs: null, atEnd: 'ask' })
  })

  test('keeps what is over for as many days as dolly.yml says, or for ever', () => {
    const yaml = `${file}\nkeep: { jobs: 90d, events: 1d, audit: forever }\n`
    expect(load({ yaml }).keep).toEqual({ jobsMs: 90 * dayMs, eventsMs: dayMs, auditMs: null })
  })

  test('takes one or several keys for the audit, and keeps each out of the log', () => {
    const [one, other] = ['0123456789abcdef', 'fedcba9876543210']
    expect(load({ env: { DOLLY_AUDIT_KEY: one } }).auditKeys).toEqual([one])
    const config = load({ env: { DOLLY_AUDIT_KEY: ` ${one}  ${other} ` } })
    expect(config.auditKeys).toEqual([one, other])
    expect(secretsOf(config)).toEqual(expect.arrayContaining([one, other]))
  })

  test.each([
    [
      'keep: 90d',
      'keep in dolly.yml (line 6) is not valid: expected a mapping with the keys "jobs", "events" and "audit".',
    ],
    [
      'keep: { jobs: 0d }',
      'keep.jobs in dolly.yml (line 6) is not valid: expected a number of days from 1 to 3650 such as 90d, or forever.',
    ],
    [
      'keep: { audit: 3651d }',
      'keep.audit in dolly.yml (line 6) is not valid: expected a number of days from 1 to 3650 such as 90d, or forever.',
    ],
    [
      'keep: { events: 90 }',
      'keep.events in dolly.yml (line 6) is not valid: expected a number of days from 1 to 3650 such as 90d, or forever.',
    ],
    [
      'keep: { event: 90d }',
      'keep.event in dolly.yml (line 6) is not a known key; did you mean "events"? (known: jobs, events, audit).',
    ],
  ])('refuses %s', (line, problem) => {
    expect(problemsOf(() => load({ yaml: `${file}\n${line}\n` }))).toEqual([problem])
  })

  test('refuses a key for the audit that is short', () => {
    const [problem] = problemsOf(() => load({ env: { DOLLY_AUDIT_KEY: 'hunter2' } }))
    expect(problem).toMatch(/^DOLLY_AUDIT_KEY is not valid; it must be a key of at least 16 characters/)
    expect(problem).not.toContain('hunter2')
  })

  test.each([
    { env: httpEnv, mode: { kind: 'http', signingSecret: 'c0ffee77', port: 3000 } },
    { env: { ...httpEnv, PORT: '8080' }, mode: { kind: 'http', signingSecret: 'c0ffee77', port: 8080 } },
    { env: { ...httpEnv, ...socketEnv }, mode: { kind: 'socket', appToken: 'xapp-1-app' } },
    { env: { ...socketEnv, PORT: '8080' }, mode: { kind: 'socket', appToken: 'xapp-1-app', port: 8080 } },
  ])('speaks with Slack in $mode.kind mode', ({ env, mode }) => {
    expect(loadConfig({ env, readFile: () => file, providers: [shear] }).slack.mode).toEqual(mode)
  })

  test('reads the file that DOLLY_CONFIG names, by default dolly.yml', () => {
    const paths: string[] = []
    const readFile = (path: string) => {
      paths.push(path)
      return file
    }
    loadConfig({ env: socketEnv, readFile, providers: [shear] })
    loadConfig({ env: { ...socketEnv, DOLLY_CONFIG: '/etc/dolly.yml' }, readFile, providers: [shear] })
    expect(paths).toEqual(['dolly.yml', '/etc/dolly.yml'])
  })

  test('replaces references inside strings, and leaves escaped ones alone', () => {
    const yaml = farm('token: ${SHEAR_TOKEN}', 'region: $${A}-${REGION}-$1')
    expect(load({ env: { REGION: '${B}' }, yaml }).connections[0]?.settings).toMatchObject({ region: '${A}-${B}-$1' })
  })

  test.each(['http://localhost:8080', 'http://127.0.0.1', 'http://[::1]:1', 'https://shear.example'])(
    'lets a connection be at %s',
    (url) => {
      const yaml = farm('token: ${SHEAR_TOKEN}', `url: ${url}`)
      expect(load({ yaml }).connections[0]?.settings).toMatchObject({ url })
    },
  )
})

describe('addresses', () => {
  const problemsWith = (connection: Record<string, string>) =>
    problemsOf(() =>
      loadConfig({
        env: socketEnv,
        readFile: () => JSON.stringify({ connections: { 'cf-prod': { provider: 'cloud-foundry', ...connection } } }),
        providers: realProviders,
      }),
    )
  const login = { username: 'ewe', password: 'hidden' }

  test('refuses a connection whose address is not https, and names it', () => {
    const url = 'https://api.cf.example'
    for (const unsafe of [
      { url: 'http://api.cf.example', ...login },
      { url: 'http://localhost.cf.example', ...login },
      { url: 'http://127.0.0.1.example', ...login },
      { url: 'https://me:hidden@api.cf.example', ...login },
      { url: 'ftp://api.cf.example', ...login },
      { url, appUrl: 'http://console.example/{app}', ...login },
      { url, appUrl: 'javascript:hidden', ...login },
    ]) {
      const problems = problemsWith(unsafe).join(' ')
      expect(problems).toMatch(/connections\.cf-prod\.(url|appUrl) in dolly\.yml \(line 1\) is not (safe|valid)/)
      expect(problems).not.toContain('hidden')
    }
  })

  test('refuses a Slack address that is not https', () => {
    for (const url of [
      'http://slack.example/api/',
      'http://127.0.0.1.example/',
      'ws://slack.com/',
      'https://a:hidden@slack.com/',
    ]) {
      expect(problemsOf(() => load({ env: { SLACK_API_URL: url } })).join()).toMatch(
        /^SLACK_API_URL is not valid(?!.*hidden)/,
      )
    }
  })
})

describe('secretsOf', () => {
  test('names the tokens and every variable that a connection refers to, longest first', () => {
    const yaml = farm('token: ${SHEAR_TOKEN}', 'region: eu-${ZONE}')
    expect(secretsOf(load({ env: { ZONE: 'hidden-zone' }, yaml }))).toEqual([
      'hidden-zone',
      'xoxb-1-bot',
      'xapp-1-app',
      'sh_woolly',
    ])
  })

  test.each([
    ['postgres://dolly:hidden%2Dpass@db/dolly', ['hidden%2Dpass', 'hidden-pass']],
    ['postgres://db/dolly?user=dolly&password=hidden-pass', ['hidden-pass']],
    ['postgres://dolly@db/dolly', []],
  ])('names the password in %s', (DATABASE_URL, passwords) => {
    const without = secretsOf(load())
    expect(secretsOf(load({ env: { DATABASE_URL } })).filter((secret) => !without.includes(secret))).toEqual(passwords)
  })

  test.each([
    ['https://api.${ZONE}', false],
    ['https://${ZONE}/shear', false],
    ['https://${ZONE}.shear.test:8443', false],
    ['${ADDRESS}', false],
    ['https://shear.test/${ZONE}/', true],
    ['https://shear.test?key=${ZONE}', true],
  ])('names of the address %s no part of its host, which stands in links and pages: %s', (url, isSecret) => {
    const env = { ZONE: 'wool.example', ADDRESS: 'https://wool.example' }
    const secrets = secretsOf(load({ env, yaml: farm('token: ${SHEAR_TOKEN}', `url: ${url}`) }))
    expect(secrets.some((secret) => secret.includes('wool.example'))).toBe(isSecret)
  })

  test('names a token that stands in the file itself', () => {
    expect(secretsOf(load({ yaml: farm('token: sh_literal') }))).toContain('sh_literal')
  })

  test('names a token without the blanks around it, which a provider may not send', () => {
    expect(secretsOf(load({ env: { SHEAR_TOKEN: 'sh_woolly\n' } }))).toContain('sh_woolly')
  })

  test('does not name a short variable of another key, which stands in times and numbers', () => {
    const yaml = farm('token: ${SHEAR_TOKEN}', 'region: eu-${ZONE}')
    expect(secretsOf(load({ env: { ZONE: '4711' }, yaml }))).toEqual(['xoxb-1-bot', 'xapp-1-app', 'sh_woolly'])
  })

  test('names the signing secret in HTTP mode', () => {
    const config = loadConfig({ env: httpEnv, readFile: () => file, providers: [shear] })
    expect(secretsOf(config)).toEqual(['xoxb-1-bot', 'sh_woolly', 'c0ffee77'])
  })
})

describe('the environment', () => {
  const bot = 'it must be the bot token of your Slack app, which begins with xoxb-.'
  const app = 'it must be an app-level token of your Slack app, which begins with xapp-, or be left out for HTTP mode.'
  const signing = 'it must be the signing secret of your Slack app, or be left out for Socket Mode.'
  const port = 'it must be a port number from 1 to 65535.'
  const address = 'it must be an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all that it has.'
  const api =
    "it must be an https:// address such as Slack's own, https://slack.com/api/ (http:// only on this machine)."
  const database =
    'it must be a SQLite file such as file:data/dolly.db, or a Postgres database such as postgres://user:password@host:5432/dolly (in the password write @ / : # % as %40 %2F %3A %23 %25).'

  test.each([
    { env: { SLACK_BOT_TOKEN: undefined }, problem: `SLACK_BOT_TOKEN is not set; ${bot}` },
    { env: { SLACK_BOT_TOKEN: '' }, problem: `SLACK_BOT_TOKEN is empty; ${bot}` },
    { env: { SLACK_BOT_TOKEN: 'xapp-1-app' }, problem: `SLACK_BOT_TOKEN is not valid; ${bot}` },
    { env: { SLACK_BOT_TOKEN: 'xoxb-1-bot\n' }, problem: `SLACK_BOT_TOKEN is not valid; ${bot}` },
    { env: { SLACK_APP_TOKEN: '' }, problem: `SLACK_APP_TOKEN is empty; ${app}` },
    { env: { SLACK_APP_TOKEN: 'xoxb-1-bot' }, problem: `SLACK_APP_TOKEN is not valid; ${app}` },
    { env: { SLACK_SIGNING_SECRET: '' }, problem: `SLACK_SIGNING_SECRET is empty; ${signing}` },
    { env: { SLACK_SIGNING_SECRET: 'c0ffee7' }, problem: `SLACK_SIGNING_SECRET is not valid; ${signing}` },
    { env: { SLACK_SIGNING_SECRET: '   ' }, problem: `SLACK_SIGNING_SECRET is empty; ${signing}` },
    { env: { PORT: '' }, problem: `PORT is empty; ${port}` },
    { env: { PORT: '0' }, problem: `PORT is not valid; ${port}` },
    { env: { PORT: '65536' }, problem: `PORT is not valid; ${port}` },
    { env: { PORT: '0x50' }, problem: `PORT is not valid; ${port}` },
    { env: { METRICS_PORT: '' }, problem: `METRICS_PORT is empty; ${port}` },
    { env: { METRICS_PORT: '65536' }, problem: `METRICS_PORT is not valid; ${port}` },
    { env: { METRICS_PORT: '9464', METRICS_HOST: '' }, problem: `METRICS_HOST is empty; ${address}` },
    { env: { METRICS_PORT: '9464', METRICS_HOST: 'localhost' }, problem: `METRICS_HOST is not valid; ${address}` },
    {
      env: { METRICS_HOST: '0.0.0.0' },
      problem: 'METRICS_HOST is set, but METRICS_PORT is not; set METRICS_PORT as well, or neither.',
    },
    {
      env: { METRICS_PORT: '8080', PORT: '8080' },
      problem: 'METRICS_PORT is 8080, which is PORT too; give the metrics a port of their own.',
    },
    {
      env: { METRICS_PORT: '3000', SLACK_APP_TOKEN: undefined, SLACK_SIGNING_SECRET: 'c0ffee77' },
      problem: 'METRICS_PORT is 3000, which is PORT too; give the metrics a port of their own.',
    },
    { env: { SLACK_API_URL: 'http://slack.example/api/' }, problem: `SLACK_API_URL is not valid; ${api}` },
    { env: { SLACK_API_URL: 'http://127.0.0.1.example/' }, problem: `SLACK_API_URL is not valid; ${api}` },
    { env: { SLACK_API_URL: 'slack.com' }, problem: `SLACK_API_URL is not valid; ${api}` },
    { env: { DATABASE_URL: '' }, problem: `DATABASE_URL is empty; ${database}` },
    { env: { DATABASE_URL: 'file:' }, problem: `DATABASE_URL is not valid; ${database}` },
    { env: { DATABASE_URL: 'file::memory:' }, problem: `DATABASE_URL is not valid; ${database}` },
    { env: { DATABASE_URL: 'file://data/dolly.db' }, problem: `DATABASE_URL is not valid; ${database}` },
    { env: { DATABASE_URL: 'mysql://u:hidden@db/dolly' }, problem: `DATABASE_URL is not valid; ${database}` },
    { env: { DATABASE_URL: 'postgres://u:hidden%@db/dolly' }, problem: `DATABASE_URL is not valid; ${database}` },
    { env: { DATABASE_URL: 'postgres://db:port/dolly' }, problem: `DATABASE_URL is not valid; ${database}` },
    {
      env: { LOG_LEVEL: 'loud' },
      problem: 'LOG_LEVEL is not valid; it must be one of fatal, error, warn, info, debug, trace, silent.',
    },
    { env: { DOLLY_CONFIG: '' }, problem: 'DOLLY_CONFIG is empty; it must be the path of your dolly.yml.' },
    {
      env: { SLACK_APP_TOKEN: undefined },
      problem:
        'Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set; set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which needs no public address, or SLACK_SIGNING_SECRET for HTTP mode, with PORT if it is not 3000.',
    },
  ])('refuses $env', ({ env, problem }) => {
    expect(problemsOf(() => load({ env }))).toEqual([problem])
  })
})

describe('dolly.yml', () => {
  const start = 'as dolly.example.yml shows.'
  const keys = 'provider, url, token, region, retries, expiry'
  const token = 'token: ${SHEAR_TOKEN}'
  const url =
    'connections.farm.url in dolly.yml (line 6) is not safe; it must begin with https:// (http:// only on this machine) and contain no user name or password.'

  test.each([
    {
      yaml: 'access: [{ who: members, may: "*", on: "*" }]',
      problem: `connections in dolly.yml names no connection; add at least one, ${start}`,
    },
    {
      yaml: 'access: [{ who: members, may: "*", on: "*" }]\nconnections:',
      problem: `connections in dolly.yml (line 2) names no connection; add at least one, ${start}`,
    },
    { yaml: '- farm', problem: `dolly.yml must be a mapping with the keys "connections" and "access", ${start}` },
    {
      yaml: connections,
      problem: `access in dolly.yml is not set, so nobody can do anything; write rules ${start.slice(0, -1)}, or open it to all full members of the workspace with the line access: [{ who: members, may: "*", on: "*" }].`,
    },
    {
      yaml: `${connections}\naccess: [{ who: members, may: clonn, on: farm }]`,
      problem:
        'may of rule 1 of access in dolly.yml (line 5) is neither an operation nor a verb; did you mean "clone"? (known: status, cancel, retry, delete, extend, approve, schedule, preset, history, clone, copy-bits).',
    },
    {
      yaml: `${file}\nconections: {}`,
      problem:
        'conections in dolly.yml (line 6) is not a known key; did you mean "connections"? (known: connections, owner, access, sharedChannels, keep, poll).',
    },
    {
      yaml: `${access}\nconnections:\n  farm: shear`,
      problem: `connections.farm in dolly.yml (line 3) is not valid: expected a mapping with the key "provider", ${start}`,
    },
    {
      yaml: file.replace('farm', 'Farm 1'),
      problem:
        "connections.Farm 1 in dolly.yml (line 2) has a name that can't be used; use 1 to 40 lowercase letters, digits and hyphens.",
    },
    {
      yaml: file.replace('farm', 'status'),
      problem:
        'connections.status in dolly.yml (line 2) has a name that /clone-app takes for a command; choose another, such as status-prod.',
    },
    {
      yaml: file.replace('farm', 'f'.repeat(41)),
      problem: `connections.${'f'.repeat(41)} in dolly.yml (line 2) has a name that can't be used; use 1 to 40 lowercase letters, digits and hyphens.`,
    },
    {
      yaml: `${access}\nconnections:\n  farm:\n    url: https://shear.test`,
      problem: 'connections.farm.provider in dolly.yml (line 3) is not set: expected one of shear.',
    },
    {
      yaml: file.replace('provider: shear', 'provider: sheep'),
      problem:
        'connections.farm.provider in dolly.yml (line 3) is not valid; did you mean "shear"? (expected one of shear).',
    },
    {
      yaml: file.replace('provider: shear', 'provider: goat'),
      problem: 'connections.farm.provider in dolly.yml (line 3) is not valid: expected one of shear.',
    },
    { yaml: farm(), problem: 'connections.farm.token in dolly.yml (line 3) is not set: expected a string.' },
    { yaml: farm('token:'), problem: 'connections.farm.token in dolly.yml (line 5) is not set: expected a string.' },
    {
      yaml: farm('token: 12345'),
      problem: 'connections.farm.token in dolly.yml (line 5) is not valid: expected a string.',
    },
    {
      yaml: farm('token: hidden'),
      problem: 'connections.farm.token in dolly.yml (line 5) is not valid: a Shear token begins with sh_.',
    },
    {
      yaml: farm('token: sh_1234 '),
      problem:
        "connections.farm.token in dolly.yml (line 5) is not valid: expected at least 8 characters: a shorter one can't be kept out of the log.",
    },
    {
      yaml: farm('token: ""'),
      problem: 'connections.farm.token in dolly.yml (line 5) is empty: a Shear token begins with sh_.',
    },
    {
      yaml: farm(token, 'tokn: hidden'),
      problem: `connections.farm.tokn in dolly.yml (line 6) is not a known key; did you mean "token"? (known: ${keys}).`,
    },
    {
      yaml: farm(token, 'url: shear'),
      problem:
        'connections.farm.url in dolly.yml (line 6) is not valid: expected an address such as https://example.com.',
    },
    { yaml: farm(token, 'url: http://shear.test'), problem: url },
    { yaml: farm(token, 'url: " HTTP://shear.test"'), problem: url },
    { yaml: farm(token, 'url: https://me:hidden@shear.test'), problem: url },
    ...['default: soon', 'max: 30m', 'default: 91d', 'max: 7'].map((line) => ({
      yaml: farm(token, `expiry: { ${line} }`),
      problem: `connections.farm.expiry.${line.split(':')[0]} in dolly.yml (line 6) is not valid: expected a time from 1h to 90d, such as 12h or 7d.`,
    })),
    {
      yaml: farm(token, 'expiry: { default: 8d, max: 7d }'),
      problem: 'connections.farm.expiry.default in dolly.yml (line 6) is longer than max, which is 7d.',
    },
    {
      yaml: farm(token, 'expiry: { default: 7d, then: delet }'),
      problem:
        'connections.farm.expiry.then in dolly.yml (line 6) is not valid; did you mean "delete"? (expected one of delete, ask).',
    },
    {
      yaml: farm(token, 'expiry: { maximum: 7d }'),
      problem: 'connections.farm.expiry.maximum in dolly.yml (line 6) is not a known key (known: default, max, then).',
    },
    {
      yaml: farm(token, 'expiry: 7d'),
      problem:
        'connections.farm.expiry in dolly.yml (line 6) is not valid: expected a mapping with the keys "default", "max" and "then".',
    },
    {
      yaml: farm('token: ${WOOL}'),
      problem:
        'connections.farm.token in dolly.yml (line 5) refers to the variable WOOL, which is not set; set it, or change the key.',
    },
    {
      yaml: farm('token: sh_${EMPTY}'),
      problem:
        'connections.farm.token in dolly.yml (line 5) refers to the variable EMPTY, which is empty; set it, or change the key.',
    },
    ...['${wool-1}', 'sh_${SHEAR_TOKEN', '${}', '${constructor.name}'].map((value) => ({
      yaml: farm(`token: ${value}`),
      problem:
        'connections.farm.token in dolly.yml (line 5) has a "${" that starts no reference; write ${NAME} for a variable, or $${ for a literal ${.',
    })),
    {
      yaml: `${file}\npoll: 5`,
      problem: 'poll in dolly.yml (line 6) is not valid: expected a mapping with the key "everySeconds".',
    },
    {
      yaml: `${file}\npoll:\n  every: 5`,
      problem:
        'poll.every in dolly.yml (line 7) is not a known key; did you mean "everySeconds"? (known: everySeconds).',
    },
    ...['0', '61', '1.5', '"5"'].map((seconds) => ({
      yaml: `${file}\npoll:\n  everySeconds: ${seconds}`,
      problem:
        'poll.everySeconds in dolly.yml (line 7) is not valid: expected a whole number from 1 to 60, without quotes.',
    })),
  ])('refuses $yaml', ({ yaml, problem }) => {
    expect(problemsOf(() => load({ env: { EMPTY: ' ' }, yaml }))).toEqual([problem])
  })

  test.each([
    {
      yaml: 'connections: [',
      at: 'line 1, column 15',
      fault: 'Flow sequence in block collection must be sufficiently indented and end with a ]',
    },
    { yaml: 'connections:\n\tfarm: 1', at: 'line 2, column 1', fault: 'Tabs are not allowed as indentation' },
    { yaml: 'poll: {}\npoll: {}', at: 'line 2, column 1', fault: 'Map keys must be unique' },
    { yaml: 'a: "x" hidden', at: 'line 1, column 8', fault: 'Unexpected scalar at node end' },
    { yaml: 'a: }hidden', at: 'line 1, column 4', fault: 'Unexpected flow-map-end token in YAML stream' },
    { yaml: 'a: "\\xhidden"', at: 'line 1, column 5', fault: 'Invalid escape sequence' },
    { yaml: 'a: !hidden 1', at: 'line 1, column 4', fault: 'Unresolved tag' },
    {
      yaml: 'a: &b [*b]',
      at: 'line 1, column 8',
      fault: 'a value that begins with * needs quotes, as in may: "*" (YAML aliases are not supported)',
    },
    ...['may: *', 'may: [*]', 'may: \n- *', 'on: [a, *-prod]', 'target: * in staging'].map((yaml) => {
      const [line = ''] = yaml.split('\n').slice(-1)
      return {
        yaml,
        at: `line ${yaml.split('\n').length}, column ${line.indexOf('*') + 1}`,
        fault: 'a value that begins with * needs quotes, as in may: "*" (YAML aliases are not supported)',
      }
    }),
    {
      yaml: 'connections:\n  farm: { provider: shear, token: ${SHEAR_TOKEN} }',
      at: 'line 2, column 36',
      fault: 'between { and } a reference needs quotes, as in token: "${NAME}"',
    },
  ])('says where $yaml is not YAML', ({ yaml, at, fault }) => {
    expect(problemsOf(() => load({ yaml }))).toEqual([`dolly.yml, ${at} is not valid YAML: ${fault}.`])
  })

  test('counts rules and their words from 1, and says at which line each is', () => {
    const rules = ['access:', '  - who: members', '    may: clone', '    on: farm', '    target: "*staging*"']
    const yaml = `${connections}\n${rules.join('\n')}\n  - who:\n      - members\n      - memmbers\n    on: farm`
    expect(problemsOf(() => load({ yaml }))).toEqual([
      expect.stringMatching(/^word 2 of who of rule 2 of access in dolly\.yml \(line 12\) is not valid; did you mean/),
      'may of rule 2 of access in dolly.yml (line 10) is not set: expected a word or a list of words.',
    ])
  })

  test('refuses a rule for what none of its connections can do', () => {
    const barn = '  barn: { provider: fold }\naccess: [{ who: members, may: shear, on: farm }]'
    const fold = { id: 'fold', connection: z.object({}), operations: { shear: { copiesData: true } } }
    const start = () =>
      loadConfig({ env: socketEnv, readFile: () => `${connections}\n${barn}`, providers: [shear, fold] })
    expect(problemsOf(start)).toEqual([
      'may of rule 1 of access in dolly.yml (line 6) is not an operation of farm (known: clone, copy-bits).',
    ])
  })

  test('refuses a rule that another one always comes before, and names both by their lines', () => {
    const yaml = [connections, 'access:', '  - { who: members, may: "*", on: "*" }'].join('\n')
    expect(
      problemsOf(() => load({ yaml: `${yaml}\n  - { who: members, may: [], on: farm, target: "*prod*" }` })),
    ).toEqual([
      'rule 2 of access in dolly.yml (line 7) never applies: rule 1 (line 6) comes first and matches everything that this one matches; move this one above it, or remove it.',
    ])
  })

  test('takes a reference in quotes between braces', () => {
    const yaml = `${access}\nconnections:\n  farm: { provider: shear, token: "\${SHEAR_TOKEN}" }`
    expect(load({ yaml }).connections[0]?.settings).toMatchObject({ token: 'sh_woolly' })
  })
})

describe('all together', () => {
  test('every problem is reported at once, and no value that may be secret', () => {
    const env = {
      SLACK_BOT_TOKEN: 'hidden-1',
      SLACK_APP_TOKEN: 'hidden-2',
      DATABASE_URL: 'mysql://hidden-3',
      KEY: 'hidden-4',
    }
    const yaml = [
      'connections:',
      '  farm: { provider: shear, token: "${KEY}", url: "http://hidden-5.test", tokne: "${ABSENT}" }',
      '  Barn: { provider: hidden-6 }',
      'access: [{ who: members, may: hidden, on: hidden }]',
      'poll: { everySeconds: 0 }',
    ].join('\n')
    const problems = problemsOf(() => load({ env, yaml }))
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'SLACK_BOT_TOKEN',
      'SLACK_APP_TOKEN',
      'DATABASE_URL',
      'connections.farm.tokne',
      'connections.Barn',
      'connections.farm.url',
      'connections.farm.tokne',
      'connections.farm.token',
      'connections.Barn.provider',
      'may',
      'on',
      'poll.everySeconds',
    ])
    expect(new ConfigError(problems).message).not.toContain('hidden')
    expect(problems.every((problem) => problem.endsWith('.'))).toBe(true)
  })

  test('the message lists the problems', () => {
    expect(new ConfigError(['A is not set.', 'B is empty.']).message).toBe(
      "Dolly can't start:\n- A is not set.\n- B is empty.",
    )
  })
})

describe('files on disk', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dolly-config-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const from = (path: string) => loadConfig({ env: { ...socketEnv, DOLLY_CONFIG: path }, providers: [shear] })

  test('a file is read', () => {
    const path = join(folder, 'dolly.yml')
    writeFileSync(path, file)
    expect(from(path).connections.map(({ name }) => name)).toEqual(['farm'])
  })

  test('a file that is not there is named', () => {
    const path = join(folder, 'absent.yml')
    expect(problemsOf(() => from(path))).toEqual([
      `${path} doesn't exist; run "dolly init" to write a dolly.yml here, or set DOLLY_CONFIG to the path of yours.`,
    ])
  })

  test('a file that cannot be read is named with the reason', () => {
    expect(problemsOf(() => from(folder))).toEqual([
      `${folder} can't be read (EISDIR); let Dolly's user read it, or set DOLLY_CONFIG to the path of your own.`,
    ])
  })
})

describe('the examples', () => {
  const example = readFileSync('.env.example', 'utf8')
  const exampleFile = { DOLLY_CONFIG: 'dolly.example.yml' }

  const blanks = Object.entries(parseEnv(example)).flatMap(([name, value]) => (value === '' ? [name] : []))
  const tokens = blanks.filter((name) => !name.startsWith('SLACK_'))

  test('start Dolly once their blanks are filled in', () => {
    const filled = Object.fromEntries(blanks.map((name) => [name, `secret-of-${name.toLowerCase()}`]))
    const env = { ...filled, SLACK_BOT_TOKEN: 'xoxb-1-bot', SLACK_APP_TOKEN: 'xapp-1-app', ...exampleFile }
    const config = loadConfig({ env, providers: realProviders })
    const ids = Object.values(realProviders).map(({ id }) => id)
    expect([...new Set(config.connections.map(({ provider }) => provider))].sort()).toEqual(ids.sort())
    for (const { secrets } of config.connections) expect(secrets.length).toBeGreaterThan(0)
    expect(config.connections.flatMap(({ secrets }) => secrets).sort()).toEqual(
      tokens.map((name) => `secret-of-${name.toLowerCase()}`).sort(),
    )
    expect(config.tickSeconds).toBe(2)
  })

  const clouds = [
    'connections:',
    '  hoody: { provider: hoody, token: "${HOODY_TOKEN}" }',
    '  cf-prod: { provider: cloud-foundry, url: https://api.cf.test, clientId: dolly, clientSecret: "${CF_SECRET}" }',
  ].join('\n')
  const env = { ...socketEnv, HOODY_TOKEN: 'hoody-secret', CF_SECRET: 'cf-secret-secret' }
  const exampleOf = (readme: string) => /```yaml\n(owner: [^`]+)```/.exec(readme)?.[1] ?? ''
  /** What the comments of dolly.example.yml show, with the ids that an operator has to fill in. */
  const commented = readFileSync('dolly.example.yml', 'utf8')
    .replace(/^.*?^access:$/ms, 'access:')
    .replaceAll(/^ {2}# (?=- who| {2}(may|on|from|target|approval):)/gm, '  ')
  const rulesOf = {
    'README.md': exampleOf(readFileSync('README.md', 'utf8')),
    'dolly.example.yml': commented,
  }

  test.each(Object.entries(rulesOf))('of %s have rules that protect production both ways', (_, rules) => {
    const { access, warnings } = loadConfig({ env, readFile: () => `${clouds}\n${rules}`, providers: realProviders })
    expect(warnings).toEqual([])
    const asker = { id: 'U0SOMEBODY', membership: 'member', groups: [], channel: null } as const
    const mayCopy = (source: string, target: string) =>
      decide(access.rules, asker, { connection: 'hoody', what: 'copy', source, target }).isAllowed
    expect(mayCopy('shop-db in shop-production', 'x in shop-staging')).toBe(false)
    expect(mayCopy('shop-db in shop-staging', 'x in shop-production')).toBe(false)
    expect(mayCopy('shop-db in shop-staging', 'x in shop-staging')).toBe(true)
  })

  test('of approvals ask other people, in the words of the page and of the file', () => {
    const page = /```yaml\n(access:\n[^`]+)```/.exec(readFileSync('docs/access.md', 'utf8'))?.[1] ?? ''
    const asked = [page, commented].map((rules) => {
      const file = `${clouds}\n${rules}`
      const { access, warnings } = loadConfig({ env, readFile: () => file, providers: realProviders })
      expect(warnings).toEqual([])
      return access.rules.flatMap(({ approval }) => approval ?? [])
    })
    expect(asked).toEqual([
      [{ by: ['S0614TZR7', 'U060R4BJ4'], count: 2, expiresMs: 14_400_000 }],
      [{ by: ['S0PLATFORM'], count: 2, expiresMs: 14_400_000 }],
    ])
  })

  test('name every blank that was not filled in', () => {
    const problems = problemsOf(() =>
      loadConfig({ env: { ...parseEnv(example), ...exampleFile }, providers: realProviders }),
    )
    expect(problems).toHaveLength(blanks.length)
    for (const name of blanks) expect(problems.join(' ')).toContain(name)
  })

  test('the defaults they show in comments are the real ones', () => {
    const shown = parseEnv(example.replace(/^# ([A-Z_]+=.)/gm, '$1'))
    const env = {
      ...shown,
      SLACK_BOT_TOKEN: 'xoxb-1-bot',
      SLACK_SIGNING_SECRET: 'c0ffee77',
      SLACK_APP_TOKEN: undefined,
    }
    expect(Object.keys(shown).sort()).toEqual(
      [
        'DATABASE_URL',
        'DOLLY_CONFIG',
        'LOG_LEVEL',
        'PORT',
        'SLACK_API_URL',
        'SLACK_APP_TOKEN',
        'SLACK_BOT_TOKEN',
        ...tokens,
      ].sort(),
    )
    expect(loadConfig({ env: { ...env, SHEAR_TOKEN: 'sh_woolly' }, readFile: () => file, providers: [shear] })).toEqual(
      loadConfig({ env: httpEnv, readFile: () => file, providers: [shear] }),
    )
  })
})

describe('a warning', () => {
  const open = 'dolly.yml contains connections.farm.token, and other users of this machine can read it'

  test.each([
    { token: 'sh_literal', rights: 0o644, isWarned: true },
    { token: 'sh_literal', rights: 0o100640, isWarned: true },
    { token: 'sh_literal', rights: 0o100602, isWarned: true },
    { token: '"sh_$${SHEAR_TOKEN}"', rights: 0o604, isWarned: true },
    { token: 'sh_literal', rights: 0o100600, isWarned: false },
    { token: 'sh_literal', rights: 0o400, isWarned: false },
    { token: '${SHEAR_TOKEN}', rights: 0o644, isWarned: false },
  ])('of the token $token in a file of mode $rights is given: $isWarned', ({ token, rights, isWarned }) => {
    const { warnings } = load({ yaml: farm(`token: ${token}`), rights })
    expect(warnings).toEqual(
      isWarned
        ? [`${open}. Run chmod 600 dolly.yml, or move the secret to the environment and refer to it as \${NAME}.`]
        : [],
    )
  })

  test('of a file on disk goes by its real rights', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dolly-rights-'))
    try {
      const path = join(folder, 'dolly.yml')
      writeFileSync(path, farm('token: sh_literal'), { mode: 0o644 })
      const warnings = () =>
        loadConfig({ env: { ...socketEnv, DOLLY_CONFIG: path }, providers: [shear] }).warnings.length
      chmodSync(path, 0o644)
      expect(warnings()).toBe(1)
      chmodSync(path, 0o600)
      expect(warnings()).toBe(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('of a rule that forgets the source says where it stands', () => {
    const yaml = `${connections}\naccess: [{ who: members, may: clone, on: farm, target: "* in staging" }]`
    expect(load({ yaml }).warnings).toEqual([
      'rule 1 of access in dolly.yml (line 5) has a target but no from, and clone copies data: any source may be copied there; add from: with the names of sources (from: "*" in this rule means any source, and silences this warning).',
    ])
  })
})

describe('shared channels', () => {
  test.each([
    { line: 'sharedChannels: true', isAllowed: true },
    { line: 'sharedChannels: false', isAllowed: false },
    { line: 'sharedChannels:', isAllowed: false },
    { line: '', isAllowed: false },
  ])('after "$line" may be chosen: $isAllowed', ({ line, isAllowed }) => {
    expect(load({ yaml: `${file}\n${line}` }).sharedChannels).toBe(isAllowed)
  })

  test('are allowed with true or false only', () => {
    expect(problemsOf(() => load({ yaml: `${file}\nsharedChannels: "yes"` }))).toEqual([
      'sharedChannels in dolly.yml (line 6) is not valid: expected true or false.',
    ])
  })
})
