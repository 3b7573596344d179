/** The built bot between the sandbox's Slack and two providers whose answers can be made hostile, with a probe inside it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { defaultAccess, startBot, writeConfig } from '../sandbox/bot.js'
import { freePort } from '../sandbox/free-port.js'
import { startCloudFoundry } from '../sandbox/providers/cloud-foundry.js'
import { startHoody } from '../sandbox/providers/hoody.js'
import type { Simulator } from '../sandbox/providers/simulator.js'
import { startWorkspace, type Workspace } from '../sandbox/slack/workspace.js'

/** What a provider would have answered, and what is answered instead. */
export type Twist = (request: { method: string; path: string }, answer: { status: number; body: string }) => void

export interface HostileWorld {
  workspace: Workspace
  signingSecret: string
  /** Where the bot takes requests. */
  url: string
  port: number
  database: string
  /** From now on the answers of both providers go through this. */
  twist(by: Twist): void
  /** The exit code or signal with which the bot ended, while it should live. */
  end(): number | string | undefined
  /** Since the last time it was asked; undefined when the bot no longer answers. */
  probe(): Promise<Probed | undefined>
  close(): Promise<void>
}

const Probed = z.object({ stallMs: z.number(), machineMs: z.number(), bytes: z.number(), mostBytes: z.number() })
export type Probed = z.infer<typeof Probed>

const PROBE_PATIENCE_MS = 60_000

/** @param count containers at Hoody beside the usual ones. */
export async function startHostileWorld(count: number): Promise<HostileWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-hostile-'))
  const simulators = await Promise.all([startHoody({ cloneMs: 300, count }), startCloudFoundry({ cloneMs: 300 })])
  const workspace = await startWorkspace({ simulators })
  let by: Twist = () => {}
  const betweens = await Promise.all(simulators.map((simulator) => startBetween(simulator, () => by)))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  workspace.setRequestUrl(`${url}/slack/events`)
  // Who may do what is not what is tried here.
  const access = [{ who: 'members', may: '*', on: '*' }]
  const reached = betweens.map(({ simulator }) => simulator)
  writeConfig(folder, reached, { everySeconds: 1 }, { ...defaultAccess, access })
  const { SLACK_APP_TOKEN: _, ...env } = workspace.env
  const preload = new URL('probe.mjs', import.meta.url)
  const bot = await startBot(folder, { ...env, PORT: `${port}`, NODE_OPTIONS: `--import ${preload}` })
  let end: number | string | undefined
  void bot.exited.then((code) => {
    end = code
  })
  const [ask, answer] = ['probe-ask', 'probe-answer'].map((name) => join(folder, name)) as [string, string]

  return {
    workspace,
    signingSecret: env.SLACK_SIGNING_SECRET,
    url,
    port,
    database: join(folder, 'data/dolly.db'),
    twist: (next) => {
      by = next
    },
    end: () => end,
    async probe() {
      rmSync(answer, { force: true })
      writeFileSync(ask, '')
      const until = performance.now() + PROBE_PATIENCE_MS
      while (!existsSync(answer)) {
        if (end !== undefined || performance.now() > until) return undefined
        await delay(20)
      }
      return Probed.parse(JSON.parse(readFileSync(answer, 'utf8')))
    },
    async close() {
      await bot.kill('SIGKILL')
      await Promise.all(betweens.map(({ close }) => close()))
      await workspace.close()
      await Promise.all(simulators.map((simulator) => simulator.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Stands between the bot and a provider and twists its answers. */
async function startBetween(simulator: Simulator, twist: () => Twist) {
  const { origin } = new URL(simulator.connection.url ?? '')
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const sent = Buffer.concat(chunks)
    const came = await fetch(origin + path, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      redirect: 'manual',
      ...(sent.length > 0 && { body: new Uint8Array(sent) }),
    })
    const answer = { status: came.status, body: (await came.text()).replaceAll(origin, url) }
    twist()({ method, path }, answer)
    response.writeHead(answer.status, { 'content-type': came.headers.get('content-type') ?? 'text/plain' })
    response.end(answer.body)
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const connection = { ...simulator.connection, url: (simulator.connection.url ?? '').replace(origin, url) }
  return {
    simulator: { ...simulator, connection },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
