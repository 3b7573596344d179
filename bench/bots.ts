/** The built bot and its rivals made of Bolt alone, each as a process of its own in HTTP mode, with a stub for Slack. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../sandbox/free-port.js'
import { TEAM } from '../sandbox/slack/backend.js'
import { signed } from '../test/helpers/slack-request.js'
import { startSlackStub } from './slack-stub.js'

const SECRET = 'bench-signing-secret'
const MAX_START_MS = 30_000
const EVERYONE = { owner: 'U1', access: [{ who: 'members', may: '*', on: '*' }] }

const programs = {
  dolly: fileURLToPath(new URL('../dist/cli.js', import.meta.url)),
  bolt: fileURLToPath(new URL('programs/bare-bolt.mjs', import.meta.url)),
  graphileWorker: fileURLToPath(new URL('programs/idle-graphile-worker.mjs', import.meta.url)),
  boltWithWrite: fileURLToPath(new URL('programs/bolt-with-write.mjs', import.meta.url)),
}

export interface BotProcess {
  port: number
  pid: number
  /** From the start of the process until it said that it's up, in milliseconds. */
  upMs: number
  /** Everything it printed so far. */
  log(): string
  /** Resident memory, in MB. */
  memory(): number
  /** CPU that it has used so far, in milliseconds. */
  cpu(): number
  kill(): Promise<void>
}

export interface Bots {
  /** Where each process runs; the bot's dolly.yml and database are there. */
  folder: string
  database: string
  start(name: keyof typeof programs, env?: Readonly<Record<string, string>>): Promise<BotProcess>
  close(): Promise<void>
}

/**
 * @param simulators what dolly.yml connects to.
 * @param onCall gets each call to Slack.
 */
export async function openBots(
  simulators: readonly { name: string; id: string; connection: Readonly<Record<string, string>> }[],
  onCall?: Parameters<typeof startSlackStub>[0],
): Promise<Bots> {
  const slack = await startSlackStub(onCall)
  const folder = mkdtempSync(join(tmpdir(), 'bots-'))
  const connections = Object.fromEntries(
    // A simulator alone is named as people call it.
    simulators.map(({ name, id, connection }) => [
      name.toLowerCase().replace(' ', '-'),
      { provider: id, ...connection },
    ]),
  )
  // The file contains tokens, so only its owner may read it.
  writeFileSync(join(folder, 'dolly.yml'), stringify({ connections, ...EVERYONE }), { mode: 0o600 })
  const running = new Set<BotProcess>()
  return {
    folder,
    database: join(folder, 'dolly.db'),
    start: async (name, env = {}) => {
      const bot = await startProcess(programs[name], folder, {
        SLACK_BOT_TOKEN: 'xoxb-bench',
        SLACK_SIGNING_SECRET: SECRET,
        SLACK_API_URL: slack.url,
        DATABASE_URL: 'file:dolly.db',
        ...env,
      })
      running.add(bot)
      return bot
    },
    close: async () => {
      await Promise.all([...running].map((bot) => bot.kill()))
      await slack.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startProcess(
  program: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<BotProcess> {
  const port = await freePort()
  const { PATH = '', HOME = '' } = process.env
  const began = performance.now()
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: { PATH, HOME, PORT: `${port}`, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`It isn't up after ${MAX_START_MS} ms:\n${log}`)), MAX_START_MS)
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      if (!log.includes('"Dolly is up"')) return
      clearTimeout(timer)
      resolve()
    })
    void exited.then(() => reject(new Error(`${program} ended before it was up:\n${log}`)))
  })
  return {
    port,
    pid: child.pid ?? 0,
    upMs: performance.now() - began,
    log: () => log,
    memory: () => memoryOf(child.pid ?? 0),
    cpu: () => cpuOfProcess(child.pid ?? 0),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function memoryOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** Linux counts in hundredths of a second, whatever the machine. */
const MS_PER_CLOCK_TICK = 10

/** CPU that a process has used so far, in milliseconds. */
export function cpuOfProcess(pid: number): number {
  // The name of the program comes before, in brackets, and may have spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_CLOCK_TICK
}

/** Sends a body as Slack does, and resolves with what the bot acknowledged. */
export function sendSigned(port: number, agent: Agent, body: string): Promise<string> {
  const headers = { ...signed(body, SECRET), 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path: '/slack/events', method: 'POST', agent, headers },
      (answer) => {
        let text = ''
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve(text) : reject(new Error(`The answer is ${answer.statusCode}.`)),
        )
      },
    )
    sent.setTimeout(10_000, () => sent.destroy(new Error('There is no answer after 10 s.')))
    sent.on('error', reject)
    sent.end(body)
  })
}

export function newAgent(atOnce: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: atOnce })
}

/** A Slack user id; each is another person, because Dolly bounds how often one may ask. */
export function personOf(number: number): string {
  return `U${100_000_000 + number}`
}

/** The body of `/clone-app`, as this person types it. */
export function commandBody(number: number): string {
  return new URLSearchParams({
    command: '/clone-app',
    text: '',
    user_id: personOf(number),
    user_name: 'somebody',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: 'C0000000001',
    channel_name: 'platform',
    trigger_id: `${number}.1.a`,
    // Nothing is sent there: Dolly acknowledges with nothing and opens a form.
    response_url: 'http://127.0.0.1:9/respond',
    api_app_id: 'A00000DOLLY',
    is_enterprise_install: 'false',
  }).toString()
}
