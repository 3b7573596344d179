/** Who may import whom: the rooms of the house as a table, and a reading of all imports against it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Room {
  /** A file, or a folder when it ends in `*`. A file belongs to the first room that fits. */
  room: string
  /** Files of ours it may import, as in `room`. `type ` before one allows its types only. */
  ours: readonly string[]
  /** The same for packages. Rooms that may not touch the network or the disk name the few parts of Node they need. */
  packages: readonly string[]
}

const rooms: readonly Room[] = [
  { room: 'src/errors.ts', ours: [], packages: [] },
  { room: 'src/lib/*', ours: ['src/lib/*'], packages: ['fastest-levenshtein'] },
  { room: 'src/log.ts', ours: ['src/lib/*'], packages: ['pino', '@slack/bolt'] },
  { room: 'src/access.ts', ours: ['src/lib/*'], packages: [] },
  {
    room: 'src/check.ts',
    ours: ['src/errors.ts', 'type src/providers/provider.ts', 'src/slack/*', 'src/lib/*', 'src/access.ts'],
    packages: ['@slack/web-api'],
  },
  {
    room: 'src/config.ts',
    ours: ['src/config/*'],
    packages: ['zod', 'node:*'],
  },
  {
    room: 'src/config/*',
    ours: ['src/lib/*', 'src/config/*', 'src/access.ts', 'src/providers/provider.ts'],
    packages: ['zod', 'yaml'],
  },

  { room: 'src/providers/paging.ts', ours: ['type src/providers/provider.ts', 'src/errors.ts'], packages: ['zod'] },
  { room: 'src/providers/wording.ts', ours: ['type src/providers/provider.ts'], packages: [] },
  { room: 'src/providers/validation.ts', ours: ['type src/providers/provider.ts', 'src/errors.ts'], packages: [] },
  {
    room: 'src/providers/provider.ts',
    ours: [
      'src/providers/paging.ts',
      'src/providers/validation.ts',
      'src/providers/wording.ts',
      'src/errors.ts',
      'src/lib/*',
    ],
    packages: ['zod'],
  },
  {
    room: 'src/providers/http-answer.ts',
    ours: ['src/providers/paging.ts', 'src/lib/*'],
    packages: ['node:timers/promises'],
  },
  ...['src/providers/http.ts', 'src/providers/http-errors.ts'].map((room) => ({
    room,
    ours: [
      'src/providers/provider.ts',
      'src/providers/http-errors.ts',
      'src/providers/http-answer.ts',
      'src/errors.ts',
      'src/lib/*',
    ],
    packages: ['ky', 'zod', 'node:*'],
  })),
  { room: 'src/providers/index.ts', ours: ['src/providers/*'], packages: [] },
  // A provider that needs more than a file has its parts in a folder of its name.
  ...['cloud-foundry', 'hoody', 'miget', 'qovery', 'rainbond'].flatMap((id) => [
    {
      room: `src/providers/${id}.ts`,
      ours: ['src/providers/provider.ts', 'src/errors.ts', 'src/lib/*', `src/providers/${id}/*`],
      packages: ['zod'],
    },
    {
      room: `src/providers/${id}/*`,
      ours: ['src/providers/provider.ts', 'src/errors.ts', 'src/lib/*', `src/providers/${id}/*`],
      packages: ['zod'],
    },
  ]),
  {
    room: 'src/providers/*',
    ours: ['src/providers/provider.ts', 'src/errors.ts', 'src/lib/*'],
    packages: ['zod'],
  },

  { room: 'src/jobs/job.ts', ours: [], packages: [] },
  { room: 'src/jobs/looks.ts', ours: ['type src/jobs/job.ts'], packages: [] },
  { room: 'src/jobs/patience.ts', ours: ['src/jobs/looks.ts', 'type src/jobs/job.ts'], packages: [] },
  {
    room: 'src/jobs/machine.ts',
    ours: ['src/jobs/looks.ts', 'src/jobs/patience.ts', 'type src/jobs/job.ts'],
    packages: [],
  },
  { room: 'src/jobs/clock.ts', ours: ['src/jobs/*'], packages: ['node-cron'] },
  {
    room: 'src/jobs/*',
    ours: ['src/jobs/*', 'src/store/*', 'src/providers/provider.ts', 'src/errors.ts', 'src/lib/*'],
    packages: [],
  },
  {
    room: 'src/store/*',
    ours: ['src/store/*', 'type src/jobs/job.ts', 'src/errors.ts', 'src/lib/*'],
    packages: ['kysely', 'better-sqlite3', 'zod', 'node:*'],
  },

  { room: 'src/slack/limits.ts', ours: [], packages: [] },
  {
    room: 'src/slack/chat.ts',
    ours: [
      'src/lib/*',
      'src/slack/history.ts',
      'src/slack/trouble.ts',
      'type src/slack/budgets.ts',
      'type src/slack/limits.ts',
      'type src/slack/message.ts',
    ],
    packages: ['type @slack/types'],
  },
  {
    room: 'src/slack/sender.ts',
    ours: [
      'src/lib/*',
      'src/slack/budgets.ts',
      'src/slack/chat.ts',
      'src/slack/history.ts',
      'src/slack/limits.ts',
      'src/slack/message.ts',
      'src/slack/trouble.ts',
      'src/store/events.ts',
      'src/store/moved-threads.ts',
      'type src/store/schema.ts',
      'type src/jobs/job.ts',
      'type src/jobs/tell.ts',
    ],
    packages: [],
  },
  { room: 'src/slack/budgets.ts', ours: ['src/slack/limits.ts'], packages: [] },
  {
    room: 'src/slack/trouble.ts',
    ours: ['src/errors.ts', 'src/lib/*', 'src/slack/limits.ts'],
    packages: ['@slack/web-api'],
  },
  {
    room: 'src/slack/history.ts',
    ours: ['src/lib/*', 'src/slack/trouble.ts', 'type src/slack/budgets.ts'],
    packages: ['zod'],
  },
  {
    room: 'src/slack/views.ts',
    ours: ['src/slack/trouble.ts'],
    packages: ['type @slack/types', 'node:timers/promises'],
  },
  { room: 'src/slack/door.ts', ours: [], packages: ['@slack/bolt'] },
  { room: 'src/slack/entrance.ts', ours: [], packages: ['type @slack/bolt', 'node:http', 'type node:net'] },
  { room: 'src/slack/bodies.ts', ours: [], packages: ['type node:http'] },
  {
    room: 'src/slack/receiver.ts',
    ours: ['src/slack/entrance.ts', 'src/slack/bodies.ts', 'src/lib/*'],
    packages: ['@slack/bolt', 'type node:http'],
  },
  {
    room: 'src/slack/socket.ts',
    ours: ['src/slack/entrance.ts', 'src/slack/identity.ts', 'src/slack/limits.ts', 'src/lib/*'],
    packages: ['type @slack/bolt', '@slack/socket-mode', '@slack/web-api', 'node:timers/promises'],
  },
  { room: 'src/slack/people.ts', ours: ['type src/access.ts', 'src/lib/*'], packages: ['zod'] },
  { room: 'src/slack/identity.ts', ours: [], packages: ['type @slack/bolt', 'type @slack/web-api'] },
  {
    room: 'src/slack/*',
    ours: [
      'src/lib/*',
      'src/slack/buttons.ts',
      'src/slack/fields.ts',
      'src/slack/form.ts',
      'src/slack/memory.ts',
      'src/slack/options.ts',
      'src/slack/message.ts',
      'src/slack/text.ts',
      'src/slack/limits.ts',
      'type src/providers/provider.ts',
      'src/jobs/machine.ts',
      'src/jobs/looks.ts',
      'type src/jobs/job.ts',
    ],
    packages: ['zod', 'type @slack/types', 'type @slack/web-api'],
  },
  {
    room: 'src/commands/answer.ts',
    ours: ['src/commands/services.ts'],
    packages: ['@slack/bolt', 'node:timers/promises'],
  },
  {
    room: 'src/commands/*',
    ours: [
      'src/commands/*',
      'src/slack/*',
      'src/store/*',
      'src/jobs/machine.ts',
      'type src/jobs/job.ts',
      'src/providers/provider.ts',
      'src/errors.ts',
      'src/lib/*',
      'src/access.ts',
    ],
    packages: ['@slack/*', 'zod'],
  },
  { room: 'src/app.ts', ours: ['src/*'], packages: ['@slack/*', 'pino', 'zod', 'node:*'] },

  // Around the house: free to import anything but app, which only wires and is only started.
  ...['sandbox/*', 'test/*', 'bench/*'].map((room) => ({
    room,
    ours: ['src/*', 'sandbox/*', 'test/*', 'bench/*'],
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
  const room = rooms.find((candidate) => fits(file, candidate.room))
  if (!room) return [`${file} belongs to no room; give it a line in the table of test/imports.test.ts.`]
  return importsOf(source).flatMap(({ from, isType }) => {
    const isOurs = from.startsWith('.')
    const name = isOurs ? posix.join(posix.dirname(file), from).replace(/\.js$/, '.ts') : packageOf(from)
    const allowed = isOurs ? room.ours : room.packages
    if (name === 'src/app.ts') return [`${file} imports ${name}; nobody may import app.`]
    if (isAllowed(name, isType, allowed)) return []
    const kind = isOurs ? 'of our files' : 'of packages'
    const rule = allowed.length === 0 ? `${room.room} imports none ${kind}` : `the rule is: ${allowed.join(', ')}`
    return [`${file} imports ${isType ? 'types of ' : ''}${name}, but ${rule}.`]
  })
}

const files = ['src', 'sandbox', 'test', 'bench']
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
  .filter((file) => /\.tsx?$/.test(file) && file !== 'test/imports.test.ts')
  .map((path) => ({ path: path.replaceAll('\\', '/'), source: readFileSync(path, 'utf8') }))

describe('the house', () => {
  test('no file imports what its room may not know', () => {
    expect(files.length).toBeGreaterThan(5)
    expect(files.flatMap(({ path, source }) => breachesOf(path, source))).toEqual([])
  })

  test('only src/config.ts reads process.env', () => {
    const readers = files.filter(({ path, source }) => path.startsWith('src/') && /\bprocess\s*\.\s*env\b/.test(source))
    expect(readers.map(({ path }) => path)).toEqual(['src/config.ts'])
  })
})

describe('the table', () => {
  test.each([
    {
      file: 'src/jobs/machine.ts',
      source: "import type { Job } from '../store/jobs.js'",
      breach:
        'src/jobs/machine.ts imports types of src/store/jobs.ts, but the rule is: src/jobs/looks.ts, src/jobs/patience.ts, type src/jobs/job.ts.',
    },
    {
      file: 'src/store/jobs.ts',
      source: "import { next } from '../jobs/machine.js'",
      breach:
        'src/store/jobs.ts imports src/jobs/machine.ts, but the rule is: src/store/*, type src/jobs/job.ts, src/errors.ts, src/lib/*.',
    },
    {
      file: 'src/providers/shed.ts',
      source: "import {\n  hoody,\n} from './hoody.js'",
      breach:
        'src/providers/shed.ts imports src/providers/hoody.ts, but the rule is: src/providers/provider.ts, src/errors.ts, src/lib/*.',
    },
    {
      file: 'src/slack/form.ts',
      source: "import type { App } from '@slack/bolt'",
      breach:
        'src/slack/form.ts imports types of @slack/bolt, but the rule is: zod, type @slack/types, type @slack/web-api.',
    },
    {
      file: 'src/slack/message.ts',
      source: "const http = await import('node:http')",
      breach: 'src/slack/message.ts imports node:http, but the rule is: zod, type @slack/types, type @slack/web-api.',
    },
    {
      file: 'src/app.ts',
      source: "export * from '../sandbox/slack/protocol.js'",
      breach: 'src/app.ts imports sandbox/slack/protocol.ts, but the rule is: src/*.',
    },
    {
      file: 'sandbox/demo.ts',
      source: "import '../src/app.js'",
      breach: 'sandbox/demo.ts imports src/app.ts; nobody may import app.',
    },
    {
      file: 'src/attic.ts',
      source: '',
      breach: 'src/attic.ts belongs to no room; give it a line in the table of test/imports.test.ts.',
    },
  ])('refuses $file its "$source"', ({ file, source, breach }) => {
    expect(breachesOf(file, source)).toEqual([breach])
  })

  test.each([
    { name: 'ky', only: ['src/providers/http.ts', 'src/providers/http-errors.ts'] },
    { name: 'kysely', only: ['src/store/*'] },
    { name: 'better-sqlite3', only: ['src/store/*'] },
    { name: 'node-cron', only: ['src/jobs/clock.ts'] },
    {
      name: '@slack/bolt',
      only: [
        'src/log.ts',
        'src/slack/door.ts',
        'src/slack/receiver.ts',
        'src/commands/answer.ts',
        'src/commands/*',
        'src/app.ts',
      ],
    },
  ])('lets only $only import $name', ({ name, only }) => {
    const house = rooms.filter(({ room }) => room.startsWith('src/'))
    expect(house.filter(({ packages }) => isAllowed(name, false, packages)).map(({ room }) => room)).toEqual(only)
  })

  test('lets types pass where types are allowed', () => {
    expect(breachesOf('src/store/jobs.ts', "import { type Job, type Transition } from '../jobs/job.js'")).toEqual([])
    expect(breachesOf('src/slack/message.ts', "import type { KnownBlock } from '@slack/types'")).toEqual([])
  })
})
