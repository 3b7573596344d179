/** What an operator is told about Postgres: by a start that it stops, and by `dolly doctor`. */
import { createServer } from 'node:net'
import pg from 'pg'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { verifyAuditOf } from '../../src/cli/audit-verify.js'
import { checkDatabase } from '../../src/store/check.js'
import { type DatabaseFacts, judgeFacts } from '../../src/store/check-postgres.js'
import { openDatabase } from '../../src/store/database.js'
import { newPostgresDatabase } from '../helpers/postgres.js'

let url: string
let place: string
beforeEach(async () => {
  url = await newPostgresDatabase()
  const { host, pathname } = new URL(url)
  place = `${pathname.slice(1)} on ${host}`
})

/** The same address with something else in it. */
function changed(parts: Partial<URL>, search: Readonly<Record<string, string>> = {}): string {
  const address = Object.assign(new URL(url), parts)
  for (const [key, value] of Object.entries(search)) address.searchParams.set(key, value)
  return address.href
}

async function onServer(...statements: string[]): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

/** What a start says, which must say the same as the doctor; it must not try for longer. */
async function refusalOf(address: string): Promise<string> {
  const startedAt = performance.now()
  const error = await openDatabase(address, undefined, { openWithinMs: 60_000 }).then(
    (db) => db.destroy(),
    (error: unknown) => error,
  )
  expect(performance.now() - startedAt).toBeLessThan(30_000)
  expect(error).toMatchObject({ name: 'ConnectionError' })
  const text = error instanceof Error ? error.message : ''
  expect(await checkDatabase(address, Date.now)).toEqual([{ result: 'failed', sentence: text }])
  const { password } = new URL(address)
  if (password !== '') expect(text).not.toContain(password)
  return text
}

describe('a start stops at once, and says what to do, when', () => {
  it('the password is wrong', async () => {
    expect(await refusalOf(changed({ password: 'wrong-4711' }))).toBe(
      `Postgres refuses the user dolly or its password for the database ${place}. Correct them in DATABASE_URL; write characters such as @ / : # % as %40 %2F %3A %23 %25.`,
    )
  })

  it('there is no password', async () => {
    expect(await refusalOf(changed({ password: '' }))).toContain('refuses the user dolly or its password')
  })

  it('there is no such database', async () => {
    const { host } = new URL(url)
    expect(await refusalOf(changed({ pathname: '/nowhere' }))).toBe(
      `There's no database nowhere on ${host}. Create it (createdb), or correct its name in DATABASE_URL.`,
    )
  })

  it('the address names no database, which means the one that is called like the user', async () => {
    const { host } = new URL(url)
    expect(await refusalOf(changed({ pathname: '' }))).toBe(
      `There's no database dolly on ${host}. Create it (createdb), or correct its name in DATABASE_URL.`,
    )
  })

  it('the server has no TLS, and the address asks for it', async () => {
    expect(await refusalOf(changed({}, { sslmode: 'verify-full' }))).toBe(
      `The database ${place}: it doesn't speak TLS, which sslmode in DATABASE_URL asks for. Switch it on there, or remove sslmode.`,
    )
  })

  it('a file that the address names is missing', async () => {
    const address = changed({}, { sslmode: 'verify-full', sslrootcert: '/nowhere/ca.pem' })
    expect(await refusalOf(address)).toMatch(/^DATABASE_URL names a file that can't be read \(ENOENT.*ca\.pem/)
  })

  it('something drops the limits of its sessions', async () => {
    expect(await refusalOf(changed({}, { lock_timeout: '0' }))).toBe(
      `The database ${place}: the limits that Dolly sets for its sessions don't arrive. Usually a proxy such as PgBouncer drops them (ignore_startup_parameters). Point DATABASE_URL to Postgres itself.`,
    )
  })

  it('a proxy refuses those limits', async () => {
    const proxy = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        const fields = ['SFATAL', 'C08P01', 'Munsupported startup parameter: statement_timeout', ''].join('\0')
        const body = Buffer.from(`${fields}\0`)
        const head = Buffer.from([0x45, 0, 0, 0, body.length + 4])
        socket.end(Buffer.concat([head, body]))
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void proxy.close())
    await expect.poll(() => proxy.address()).not.toBeNull()
    const address = proxy.address()
    const port = typeof address === 'object' && address ? `${address.port}` : ''
    expect(await refusalOf(changed({ port }))).toMatch(
      /^A proxy in front of .* refuses the limits .* as PgBouncer does\./,
    )
  })
})

it('a user who may not create tables is told so by a start and by the doctor', async () => {
  const name = `poor_${new URL(url).pathname.slice(-12)}`
  await onServer(
    `create role ${name} login password 'poor-4711'`,
    'drop schema public cascade',
    'create schema public',
    'grant usage on schema public to public',
  )
  onTestFinished(() => onServer(`drop role ${name}`))
  const address = changed({ username: name, password: 'poor-4711' })
  await expect(openDatabase(address)).rejects.toThrow(
    /^The user poor_\w+ lacks rights in the database .* Make it the owner/,
  )
  expect(await checkDatabase(address, Date.now)).toEqual([
    {
      result: 'failed',
      sentence: `The database ${place}: the user in DATABASE_URL may not create tables. Make it the owner: alter database … owner to ….`,
    },
  ])
})

it('a database that is read only is told from one that works', async () => {
  const address = changed({}, { options: '-c default_transaction_read_only=on' })
  expect(await checkDatabase(address, Date.now)).toEqual([
    {
      result: 'failed',
      sentence: `The database ${place}: it is a standby, or set to be read only. Point DATABASE_URL to the primary.`,
    },
  ])
})

it('a server that is away is tried for as long as it takes to restart, which the log says once', async () => {
  const lines: unknown[] = []
  const log = { warn: (fields: object, message: string) => void lines.push([fields, message]) }
  const address = changed({ port: '1' })
  await expect(openDatabase(address, undefined, { openWithinMs: 2_500, log })).rejects.toThrow(
    /^Dolly can't reach the database \S+ on 127\.0\.0\.1:1 \(connect ECONNREFUSED 127\.0\.0\.1:1\)\. Check the address/,
  )
  expect(lines).toEqual([
    [
      { database: expect.stringContaining('127.0.0.1:1'), reason: 'connect ECONNREFUSED 127.0.0.1:1' },
      "the database doesn't answer yet; trying again",
    ],
  ])
})

it('the audit of a Postgres without tables of Dolly is not verified, and none are created', async () => {
  await onServer('drop schema public cascade', 'create schema public')
  const refusal = await verifyAuditOf(url, []).catch((error: Error) => error.message)
  expect(refusal).toMatch(
    /^Dolly has no tables in the database \S+ on \S+\. Set DATABASE_URL to the database to verify\.$/,
  )
  expect(await verifyAuditOf(url, []).catch((error: Error) => error.message)).toBe(refusal)
})

describe('the doctor', () => {
  const facts: DatabaseFacts = {
    version: '18.4',
    major: 18,
    isStandby: false,
    isReadOnly: false,
    mayCreate: true,
    mayWrite: true,
    lockTimeout: 9_876,
    synchronousCommit: 'on',
    maxConnections: 97,
    usedConnections: 30,
    time: 1_000_000,
    isShared: false,
    schema: { applied: '009-replicas', missing: [], newer: [] },
  }
  const judge = (some: Partial<DatabaseFacts>) =>
    judgeFacts('the database dolly on db:5432', { ...facts, ...some }, 1_000_000)

  it('says in one line that all is well', async () => {
    expect(await checkDatabase(url, Date.now)).toEqual([
      {
        result: 'ok',
        sentence: expect.stringMatching(
          /^The database .* answers: Postgres [\d.]+.*, \d+ of \d+ connections free\. Its schema is the newest, \d+-\w+\.$/,
        ),
      },
    ])
  })

  it('warns of commits that a crash can lose, and of clocks that differ', async () => {
    const address = changed({}, { options: '-c synchronous_commit=off' })
    const findings = await checkDatabase(address, () => Date.now() - 60_000)
    expect(findings.map(({ result }) => result)).toEqual(['ok', 'warning', 'warning'])
    expect(findings[1]?.sentence).toMatch(/^synchronous_commit is off/)
    expect(findings[2]?.sentence).toMatch(/^the database's clock is (5\d|6\d) s ahead of this machine's\./)
  })

  it.each([
    [{ major: 13, version: '13.9' }, 'Postgres 13.9 is too old: use 14 or newer.'],
    [{ isStandby: true }, 'it is a standby, or set to be read only. Point DATABASE_URL to the primary.'],
    [{ mayCreate: null }, 'there is no schema to create tables in: check the search_path of the user in DATABASE_URL.'],
    [
      { mayWrite: false },
      'the user in DATABASE_URL may not write to its tables. Make it their owner: alter table … owner to ….',
    ],
    [
      { isShared: true },
      'a proxy in front of it shares sessions between clients, as PgBouncer does with pool_mode=transaction. Point DATABASE_URL to Postgres itself.',
    ],
    [{ usedConnections: 91 }, 'only 6 of 97 connections are free. Each replica needs 7: raise max_connections.'],
  ])('names %o', (some, problem) => {
    expect(judge(some)).toEqual([{ result: 'failed', sentence: `The database dolly on db:5432: ${problem}` }])
  })
})

it('the audit of a Postgres is verified like that of a file', async () => {
  expect(await verifyAuditOf(url, [])).toEqual({ sentence: 'OK: the audit has no sealed rows.', isGood: true })
  await expect(verifyAuditOf(changed({ password: 'wrong-4711' }), [])).rejects.toThrow(/refuses the user dolly/)
})
