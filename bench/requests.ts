/**
 * The built bot beside an app of Bolt alone, both in HTTP mode, each as a process of its own: from a command to its
 * acknowledgement, one by one and 32 at once; from the start until it answers; and its memory.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../sandbox/free-port.js'
import { startHoody } from '../sandbox/providers/hoody.js'
import { TEAM } from '../sandbox/slack/backend.js'
import { signed } from '../test/helpers/slack-request.js'
import { inTurn, timed } from './in-turn.js'
import { startSlackStub } from './slack-stub.js'

const REQUESTS = 128
const ROUNDS = 5
const AT_ONCE = 32
const SECRET = 'bench-signing-secret'
/** For each request of a burst. */
const PAUSE_MS = 10
const SETTLE_MS = 3_000

const slack = await startSlackStub()
const hoody = await startHoody()
const folder = mkdtempSync(join(tmpdir(), 'dolly-bench-'))
const connections = { hoody: { provider: 'hoody', ...hoody.connection } }
const access = [{ who: 'members', may: '*', on: '*' }]
writeFileSync(join(folder, 'dolly.yml'), stringify({ connections, owner: 'U1', access }), { mode: 0o600 })
const programs = {
  dolly: fileURLToPath(new URL('../dist/cli.js', import.meta.url)),
  bolt: fileURLToPath(new URL('bare-bolt.mjs', import.meta.url)),
}

/** How many have asked. */
let people = 0

const started = await inTurn(
  ROUNDS,
  () => startOnce('dolly'),
  () => startOnce('bolt'),
)
const [dolly, bolt] = [await startBot('dolly'), await startBot('bolt')]
await delay(SETTLE_MS)
const memory = { ours: memoryOf(dolly.pid), rivals: memoryOf(bolt.pid) }
const rows: Record<string, object> = {
  'start, ms': compared(started),
  'memory idle, MB': compared(memory),
}
for (const atOnce of [1, AT_ONCE]) {
  const [fast, slow] = [`command → ack, ${atOnce} at once, p50 ms`, `command → ack, ${atOnce} at once, p99 ms`]
  const all = { dolly: [] as number[], bolt: [] as number[] }
  await inTurn(
    ROUNDS,
    async () => all.dolly.push(...(await sendCommands(dolly.port, atOnce))),
    async () => all.bolt.push(...(await sendCommands(bolt.port, atOnce))),
  )
  const at = (share: number) => ({ ours: quantile(all.dolly, share), rivals: quantile(all.bolt, share) })
  rows[fast] = compared(at(0.5))
  rows[slow] = compared(at(0.99))
}
rows['memory after, MB'] = compared({ ours: memoryOf(dolly.pid), rivals: memoryOf(bolt.pid) })
console.table(rows)
await Promise.all([dolly.stop(), bolt.stop()])
await Promise.all([slack.close(), hoody.close()])
rmSync(folder, { recursive: true, force: true })

function compared({ ours, rivals }: { ours: number; rivals: number }) {
  return { ours: ours.toFixed(2), rival: rivals.toFixed(2), ratio: `${(ours / rivals).toFixed(2)}×` }
}

async function startOnce(name: keyof typeof programs): Promise<number> {
  let bot: Awaited<ReturnType<typeof startBot>> | undefined
  const ms = await timed(async () => {
    bot = await startBot(name)
  })
  await bot?.stop()
  return ms
}

async function startBot(name: keyof typeof programs) {
  const port = await freePort()
  const { PATH = '' } = process.env
  const env = {
    PATH,
    PORT: `${port}`,
    SLACK_BOT_TOKEN: 'xoxb-bench',
    SLACK_SIGNING_SECRET: SECRET,
    SLACK_API_URL: slack.url,
  }
  const child = spawn(process.execPath, [programs[name]], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      if (log.includes('"Dolly is up"')) resolve()
    })
    void exited.then(() => reject(new Error(`${name} ended before it was up:\n${log}`)))
  })
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { port, pid: child.pid ?? 0, stop }
}

/** Resident memory, in MB. */
function memoryOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/**
 * Milliseconds from each signed request to its acknowledgement. So many arrive at once, and then none until what follows them
 * is done: nobody's workspace sends commands without a pause.
 */
async function sendCommands(port: number, atOnce: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const all: number[] = []
  while (all.length < REQUESTS) {
    const burst = Array.from({ length: atOnce }, () => timed(() => sendCommand(port, agent)))
    all.push(...(await Promise.all(burst)))
    await delay(PAUSE_MS * atOnce)
  }
  agent.destroy()
  return all
}

/** Each by another person: Dolly bounds how often one may ask. */
function sendCommand(port: number, agent: Agent): Promise<void> {
  people += 1
  const body = new URLSearchParams({
    command: '/clone-app',
    text: '',
    user_id: `U${100_000_000 + people}`,
    user_name: 'somebody',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: 'C0000000001',
    channel_name: 'platform',
    trigger_id: `${people}.1.a`,
    response_url: `${slack.url}respond`,
    api_app_id: 'A00000DOLLY',
    is_enterprise_install: 'false',
  }).toString()
  const headers = { ...signed(body, SECRET), 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path: '/slack/events', method: 'POST', agent, headers },
      (answer) => {
        answer.resume()
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`The answer is ${answer.statusCode}.`)),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length * share)] ?? 0
}
