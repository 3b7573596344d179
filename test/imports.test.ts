/** Who may import whom: the folders as a table, and a reading of all imports against it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Layer {
  /** A file, or a folder when it ends in `*`. A file belongs to the first layer that fits. */
  files: string
  /** Files of ours it may import, as in `files`. `type ` before one allows its types only. */
  ours: readonly string[]
  /** The same for packages. Folders that may not touch the network or the disk name the few parts of Node they need. */
  packages: readonly string[]
}

const PROVIDER_PARTS = ['src/providers/provider.ts', 'src/errors.ts', 'src/lib/*']
const METER = 'src/metrics/meter.ts'
const LOG_FIELDS = 'src/log-fields.ts'
const PROVIDERS = [...readFileSync('src/providers/index.ts', 'utf8').matchAll(/from '\.\/([\w-]+)\.js'/g)].map(
  ([, id]) => id,
)

const layers: readonly Layer[] = [
  { files: 'src/errors.ts', ours: [], packages: [] },
  { files: 'src/log.ts', ours: ['src/lib/*', LOG_FIELDS], packages: ['pino', '@slack/bolt'] },
  { files: LOG_FIELDS, ours: [], packages: ['node:async_hooks'] },
  { files: 'src/lib/*', ours: ['src/lib/*'], packages: ['fastest-levenshtein', 'node-cron'] },
  // What is measured, for all folders; only the rest of its folder knows who collects it.
  { files: METER, ours: [], packages: [] },
  {
    files: 'src/metrics/*',
    ours: ['src/metrics/*', 'src/domain/*', 'type src/store/*', 'src/errors.ts', 'src/lib/*'],
    packages: ['prom-client', 'node:http'],
  },
  { files: 'src/domain/*', ours: ['src/domain/*', 'src/lib/*'], packages: [] },
  { files: 'src/access/*', ours: ['src/access/*', 'src/lib/*'], packages: [] },
  {
    files: 'src/config/*',
    ours: ['src/config/*', 'src/access/*', 'src/lib/*', 'src/providers/provider.ts'],
    packages: ['zod', 'yaml', 'node:*'],
  },

  {
    files: 'src/providers/provider.ts',
    ours: ['src/providers/*', 'type src/domain/*', ...PROVIDER_PARTS],
    packages: ['zod'],
  },
  {
    files: 'src/providers/job-steps.ts',
    ours: ['type src/providers/provider.ts', 'src/domain/*'],
    packages: [],
  },
  ...['api', 'fields', 'lookup', 'paging', 'removal', 'validation', 'wording'].map((part) => ({
    files: `src/providers/${part}.ts`,
    ours: [
      'type src/providers/provider.ts',
      'src/providers/lookup.ts',
      'src/providers/paging.ts',
      'src/errors.ts',
      'src/lib/*',
    ],
    packages: ['zod'],
  })),
  ...['http', 'http-answer', 'http-errors'].map((part) => ({
    files: `src/providers/${part}.ts`,
    ours: [
      'src/providers/http-errors.ts',
      'src/providers/http-answer.ts',
      'src/providers/paging.ts',
      ...PROVIDER_PARTS,
    ],
    packages: ['ky', 'zod', 'node:*'],
  })),
  {
    files: 'src/providers/measured.ts',
    ours: ['type src/providers/provider.ts', `type ${METER}`, 'src/errors.ts'],
    packages: [],
  },
  { files: 'src/providers/index.ts', ours: ['src/providers/*'], packages: [] },
  // A provider that needs more than a file has its parts in a folder of its name.
  ...PROVIDERS.flatMap((id) =>
    [`src/providers/${id}.ts`, `src/providers/${id}/*`].map((files) => ({
      files,
      ours: [...PROVIDER_PARTS, `src/providers/${id}/*`],
      packages: ['zod'],
    })),
  ),
  { files: 'src/providers/*', ours: PROVIDER_PARTS, packages: ['zod'] },

  {
    files: 'src/store/*',
    ours: ['src/store/*', 'src/domain/*', LOG_FIELDS, 'src/errors.ts', 'src/lib/*'],
    packages: ['kysely', 'better-sqlite3', 'pg', 'lru-cache', 'zod', 'node:*'],
  },
  {
    files: 'src/jobs/*',
    ours: [
      'src/jobs/*',
      'src/store/*',
      'src/domain/*',
      'src/providers/provider.ts',
      `type ${METER}`,
      LOG_FIELDS,
      'src/errors.ts',
      'src/lib/*',
    ],
    packages: ['lru-cache', 'node-cron', 'node:crypto', 'node:events', 'node:timers/promises', 'node:util'],
  },

  { files: 'src/slack/limits.ts', ours: [], packages: [] },
  { files: 'src/slack/text.ts', ours: ['src/lib/*', 'src/slack/limits.ts'], packages: [] },
  {
    files: 'src/slack/blocks.ts',
    ours: ['src/lib/*', 'src/slack/limits.ts', 'src/slack/text.ts'],
    packages: ['type @slack/types'],
  },
  ...['form', 'message'].map((folder) => ({
    files: `src/slack/${folder}/*`,
    ours: [
      `src/slack/${folder}/*`,
      'src/slack/blocks.ts',
      'src/slack/text.ts',
      'src/slack/limits.ts',
      'src/domain/*',
      'type src/access/*',
      'src/lib/*',
      'type src/providers/provider.ts',
    ],
    packages: ['zod', 'type @slack/types', 'type @slack/web-api'],
  })),
  {
    files: 'src/slack/api/*',
    ours: ['src/slack/api/*', 'src/slack/limits.ts', 'type src/access/*', METER, 'src/errors.ts', 'src/lib/*'],
    packages: ['zod', 'lru-cache', '@slack/web-api', 'type @slack/bolt', 'type @slack/types', 'node:timers/promises'],
  },
  {
    files: 'src/slack/transport/*',
    ours: ['src/slack/transport/*', 'src/slack/api/*', 'src/slack/limits.ts', METER, LOG_FIELDS, 'src/lib/*'],
    packages: ['@slack/bolt', '@slack/socket-mode', '@slack/web-api', 'node:*'],
  },
  {
    files: 'src/slack/delivery/*',
    ours: ['src/slack/*', 'src/store/*', 'src/domain/*', `type ${METER}`, 'src/lib/*'],
    packages: ['zod', 'lru-cache', 'type @slack/types'],
  },

  {
    files: 'src/commands/*',
    ours: [
      'src/commands/*',
      'src/slack/*',
      'src/store/*',
      'src/domain/*',
      'src/access/*',
      'src/providers/provider.ts',
      LOG_FIELDS,
      'src/errors.ts',
      'src/lib/*',
    ],
    packages: ['@slack/*', 'lru-cache', 'zod', 'node:timers/promises'],
  },
  {
    files: 'src/doctor/*',
    ours: [
      'src/doctor/*',
      'src/errors.ts',
      'type src/providers/provider.ts',
      'src/slack/*',
      'src/lib/*',
      'src/access/*',
    ],
    packages: ['@slack/web-api'],
  },
  {
    files: 'src/connections.ts',
    ours: ['src/config/*', 'src/providers/*', 'src/store/*', METER, 'type src/domain/*', 'type src/slack/message/*'],
    packages: [],
  },
  ...['src/app.ts', 'src/cli/*'].map((files) => ({
    files,
    ours: ['src/*'],
    packages: ['@slack/*', 'pino', 'zod', 'node:*'],
  })),
  { files: 'src/package.ts', ours: [], packages: [] },
  { files: 'src/cli.ts', ours: ['src/cli/*', 'src/package.ts'], packages: ['node:*'] },

  // Free to import anything but app and src/cli.ts, which are only started.
  ...['sandbox/*', 'test/*', 'bench/*'].map((files) => ({
    files,
    ours: ['src/*', 'sandbox/*', 'test/*', 'bench/*', 'rolldown.config.ts'],
    packages: ['*'],
  })),
]

interface Import {
  from: string
  isType: boolean
}

function importsOf(source: string): Import[] {
  const declared = source.matchAll(/^(?:import|export)\s+(?:([\w$*{},\s]+?)\s+from\s+)?['"]([^'"]+)['"]/gm)
  const dynamic = source.matchAll(/\bimport\(\s*['"`]([^'"`]+)['"`]/g)
  return [
    ...[...declared].map(([, clause = '', from = '']) => ({ from, isType: isTypeClause(clause) })),
    ...[...dynamic].map(([, from = '']) => ({ from, isType: false })),
  ]
}

/** `type { A }`, `type A`, or braces in which every name is marked: `{ type A, type B }`. */
function isTypeClause(clause: string): boolean {
  if (/^type\s/.test(clause)) return true
  const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1]?.split(',') ?? []
  return names.some((name) => name.trim() !== '') && names.every((name) => /^\s*(type\s.*)?$/.test(name))
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function isAllowed(name: string, isType: boolean, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('type ') ? isType && fits(name, pattern.slice('type '.length)) : fits(name, pattern),
  )
}

/** `@slack/bolt/dist/x` → `@slack/bolt`, `zod/v4` → `zod`; Node's own modules stay whole. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** One sentence per import that the table does not allow. */
function breachesOf(file: string, source: string): string[] {
  const layer = layers.find((candidate) => fits(file, candidate.files))
  if (!layer) return [`${file} belongs to no layer; give it a line in the table of test/imports.test.ts.`]
  return importsOf(source).flatMap(({ from, isType }) => {
    const isOurs = from.startsWith('.')
    const name = isOurs ? posix.join(posix.dirname(file), from).replace(/\.js$/, '.ts') : packageOf(from)
    const allowed = isOurs ? layer.ours : layer.packages
    if (name === 'src/cli.ts') return [`${file} imports ${name}; nobody may import cli.`]
    if (name === 'src/app.ts' && file !== 'src/cli/start.ts')
      return [`${file} imports ${name}; only src/cli/start.ts may import app.`]
    if (name.startsWith('src/cli/') && /^src\/(?!cli\b)/.test(file))
      return [`${file} imports ${name}; in src only cli may import its parts.`]
    if (isAllowed(name, isType, allowed)) return []
    const kind = isOurs ? 'of our files' : 'of packages'
    const rule = allowed.length === 0 ? `${layer.files} imports none ${kind}` : `the rule is: ${allowed.join(', ')}`
    return [`${file} imports ${isType ? 'types of ' : ''}${name}, but ${rule}.`]
  })
}

const files = ['src', 'sandbox', 'test', 'bench']
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
  .filter((file) => /\.tsx?$/.test(file) && file !== 'test/imports.test.ts')
  .map((path) => ({ path: path.replaceAll('\\', '/'), source: readFileSync(path, 'utf8') }))

describe('every file', () => {
  test('no file imports what its layer may not know', () => {
    expect(files.length).toBeGreaterThan(5)
    expect(files.flatMap(({ path, source }) => breachesOf(path, source))).toEqual([])
  })

  test('only src/config/env.ts reads process.env', () => {
    const readers = files.filter(({ path, source }) => path.startsWith('src/') && /\bprocess\s*\.\s*env\b/.test(source))
    expect(readers.map(({ path }) => path)).toEqual(['src/config/env.ts'])
  })

  test('no verb knows a provider by name', () => {
    const names = new RegExp(`\\b(${PROVIDERS.join('|')})\\b`, 'i')
    const knowing = files.filter(({ path, source }) => path.startsWith('src/commands/') && names.test(source))
    expect(PROVIDERS.length).toBeGreaterThan(5)
    expect(knowing.map(({ path }) => path)).toEqual([])
  })
})

describe('the table', () => {
  test.each([
    {
      file: 'src/domain/machine.ts',
      source: "import type { Job } from '../store/jobs.js'",
      name: 'types of src/store/jobs.ts',
    },
    { file: 'src/store/jobs.ts', source: "import { poll } from '../jobs/poll.js'", name: 'src/jobs/poll.ts' },
    {
      file: 'src/store/jobs.ts',
      source: "import { next } from '../providers/provider.js'",
      name: 'src/providers/provider.ts',
    },
    {
      file: 'src/providers/shed.ts',
      source: "import {\n  hoody,\n} from './hoody.js'",
      name: 'src/providers/hoody.ts',
    },
    {
      file: 'src/providers/shed.ts',
      source: "import type { Job } from '../domain/job.js'",
      name: 'types of src/domain/job.ts',
    },
    { file: 'src/jobs/write.ts', source: "import { mrkdwn } from '../slack/text.js'", name: 'src/slack/text.ts' },
    { file: 'src/jobs/write.ts', source: "import ky from 'ky'", name: 'ky' },
    { file: 'src/slack/form/view.ts', source: "import type { App } from '@slack/bolt'", name: 'types of @slack/bolt' },
    { file: 'src/slack/message/job.ts', source: "const http = await import('node:http')", name: 'node:http' },
    {
      file: 'src/slack/message/job.ts',
      source: "import { findJob } from '../../store/jobs.js'",
      name: 'src/store/jobs.ts',
    },
    {
      file: 'src/slack/delivery/sender.ts',
      source: "import type { Api } from '../../providers/provider.js'",
      name: 'types of src/providers/provider.ts',
    },
    { file: 'src/commands/index.ts', source: "import { poll } from '../jobs/poll.js'", name: 'src/jobs/poll.ts' },
    { file: 'src/app.ts', source: "export * from '../sandbox/slack/protocol.js'", name: 'sandbox/slack/protocol.ts' },
  ])('refuses $file its "$source"', ({ file, source, name }) => {
    expect(breachesOf(file, source)).toEqual([expect.stringMatching(`^${file} imports ${name}, but `)])
  })

  test('lets only dolly start import app, and nobody import cli', () => {
    expect(breachesOf('src/cli/start.ts', "import { start } from '../app.js'")).toEqual([])
    expect(breachesOf('sandbox/demo.ts', "import '../src/app.js'")).toEqual([
      'sandbox/demo.ts imports src/app.ts; only src/cli/start.ts may import app.',
    ])
    expect(breachesOf('src/app.ts', "import { run } from './cli/doctor.js'")).toEqual([
      'src/app.ts imports src/cli/doctor.ts; in src only cli may import its parts.',
    ])
    expect(breachesOf('src/app.ts', "import './cli.js'")).toEqual([
      'src/app.ts imports src/cli.ts; nobody may import cli.',
    ])
  })

  test('asks for a line for a file in no folder', () => {
    expect(breachesOf('src/attic.ts', '')).toEqual([
      'src/attic.ts belongs to no layer; give it a line in the table of test/imports.test.ts.',
    ])
  })

  test.each([
    { name: 'ky', only: ['src/providers/http.ts', 'src/providers/http-answer.ts', 'src/providers/http-errors.ts'] },
    { name: 'kysely', only: ['src/store/*'] },
    { name: 'better-sqlite3', only: ['src/store/*'] },
    { name: 'pg', only: ['src/store/*'] },
    { name: 'prom-client', only: ['src/metrics/*'] },
    { name: 'node-cron', only: ['src/lib/*', 'src/jobs/*'] },
    {
      name: '@slack/bolt',
      only: ['src/log.ts', 'src/slack/transport/*', 'src/commands/*', 'src/app.ts', 'src/cli/*'],
    },
  ])('lets only $only import $name', ({ name, only }) => {
    const ours = layers.filter(({ files }) => files.startsWith('src/'))
    expect(ours.filter(({ packages }) => isAllowed(name, false, packages)).map(({ files }) => files)).toEqual(only)
  })

  test('lets types pass where types are allowed', () => {
    expect(breachesOf('src/providers/paging.ts', "import type { Api } from './provider.js'")).toEqual([])
    expect(breachesOf('src/slack/message/job.ts', "import type { KnownBlock } from '@slack/types'")).toEqual([])
  })
})
