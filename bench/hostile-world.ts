/** The built bot with a probe inside, the sandbox's Slack, and two providers whose answers can be made hostile. */
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

/** Changes a provider's answer in place. */
export type Rewrite = (request: { method: string; path: string }, answer: { status: number; body: string }) => void

export interface HostileWorld {
  workspace: Workspace
  signingSecret: string
  /** Where the bot takes requests. */
  url: string
  port: number
  database: string
  /** Changes all answers of both providers from now on. */
  rewrite(by: Rewrite): void
  /** The exit code or signal if the bot ended, which it shouldn't. */
  end(): number | string | undefined
  /** What was measured since the last call; undefined if the bot no longer answers. */
  probe(): Promise<Probed | undefined>
  close(): Promise<void>
}

const Probed = z.object({ stallMs: z.number(), machineMs: z.number(), bytes: z.number(), maxBytes: z.number() })
export type Probed = z.infer<typeof Probed>

const PROBE_TIMEOUT_MS = 60_000

/** What NODE_OPTIONS has to be for a bot that is probed. */
export const PROBED = `--import ${new URL('programs/probe.mjs', import.meta.url)}`

/**
 * Asks the probe inside the bot that runs in this folder.
 *
 * @returns undefined if the bot has ended, or doesn't answer.
 */
export async function askProbe(folder: string, hasEnded: () => boolean): Promise<Probed | undefined> {
  const [ask, answer] = [join(folder, 'probe-ask'), join(folder, 'probe-answer')]
  rmSync(answer, { force: true })
  writeFileSync(ask, '')
  const until = performance.now() + PROBE_TIMEOUT_MS
  while (!existsSync(answer)) {
    if (hasEnded() || performance.now() > until) return undefined
    await delay(20)
  }
  return Probed.parse(JSON.parse(readFileSync(answer, 'utf8')))
}

/** @param count containers at Hoody beside the usual ones. */
export async function startHostileWorld(count: number): Promise<HostileWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-hostile-'))
  const simulators = await Promise.all([startHoody({ cloneMs: 300, count }), startCloudFoundry({ cloneMs: 300 })])
  const workspace = await startWorkspace({ simulators })
  let rewrite: Rewrite = () => {}
  const proxies = await Promise.all(simulators.map((simulator) => startProxy(simulator, () => rewrite)))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  workspace.setRequestUrl(`${url}/slack/events`)
  // Access rules are not part of this benchmark.
  const access = [{ who: 'members', may: '*', on: '*' }]
  const proxied = proxies.map(({ simulator }) => simulator)
  writeConfig(folder, proxied, { everySeconds: 1 }, { ...defaultAccess, access })
  const { SLACK_APP_TOKEN: _, ...env } = workspace.env
  const bot = await startBot(folder, { ...env, PORT: `${port}`, NODE_OPTIONS: PROBED })
  let end: number | string | undefined
  void bot.exited.then((code) => {
    end = code
  })
  return {
    workspace,
    signingSecret: env.SLACK_SIGNING_SECRET,
    url,
    port,
    database: join(folder, 'data/dolly.db'),
    rewrite: (next) => {
      rewrite = next
    },
    end: () => end,
    probe: () => askProbe(folder, () => end !== undefined),
    async close() {
      await bot.kill('SIGKILL')
      await Promise.all(proxies.map(({ close }) => close()))
      await workspace.close()
      await Promise.all(simulators.map((simulator) => simulator.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A proxy between the bot and a provider that changes the answers. */
async function startProxy(simulator: Simulator, rewrite: () => Rewrite) {
  const { origin } = new URL(simulator.connection.url ?? '')
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const sent = Buffer.concat(chunks)
    const original = await fetch(origin + path, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      redirect: 'manual',
      ...(sent.length > 0 && { body: new Uint8Array(sent) }),
    })
    const answer = { status: original.status, body: (await original.text()).replaceAll(origin, url) }
    rewrite()({ method, path }, answer)
    response.writeHead(answer.status, { 'content-type': original.headers.get('content-type') ?? 'text/plain' })
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
