/** Slack, the providers and the proxies before them, with all the faults of the plan, and the bots between them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeConfig } from '../bot.js'
import { startCloudFoundry } from '../providers/cloud-foundry.js'
import { startCoolify } from '../providers/coolify.js'
import { startHoody } from '../providers/hoody.js'
import { startMiget } from '../providers/miget.js'
import { startQovery } from '../providers/qovery.js'
import { startRainbond } from '../providers/rainbond.js'
import type { Simulator } from '../providers/simulator.js'
import type { Message } from '../slack/protocol.js'
import { startWorkspace, type Workspace } from '../slack/workspace.js'
import type { BotProcess } from './bot-process.js'
import { nameOf } from './fault-names.js'
import type { Fault, Mode, Trigger } from './plan.js'
import { type FaultProxy, startProxy } from './proxy.js'
import { APPROVERS_NEEDED } from './steering.js'

/** The bots: which processes on which database, how Slack reaches them, and what goes wrong on their machines. */
export interface Deployment {
  bots: readonly BotProcess[]
  /** Resolves when any of them is up. */
  ready(): Promise<void>
  /** How Slack reaches the bots that are started from now on. None may run. */
  reachBy(mode: Mode): void
  /** Answers whether the fault came about. */
  injectOwn(fault: OwnFault): boolean
  /** Resolves when what was lifted is over. */
  settled(): Promise<void>
  /** Rows of the bots' own database, read from outside; `?` stands for a value. */
  rows<T>(sql: string, ...values: string[]): Promise<T[]>
  /** Changes them. Answers with how many; none where the database can't be had. */
  change(sql: string, ...values: (string | number)[]): Promise<number>
  /** What the full disk hit, with how often. */
  diskFullAt(): readonly (readonly [string, number])[]
  shutDown(): Promise<void>
}

export type OwnFault = Extract<Fault, { kind: 'locked' | 'full disk' | 'frozen' | 'clock' | 'away' | 'cut' }>

/** What a deployment is made with. */
export interface Site {
  folder: string
  workspace: Workspace
  /** By provider, and `slack`. Each process has an address of its own there. */
  proxies: ReadonlyMap<string, FaultProxy>
  /** Writes the dolly.yml of a process into a folder. */
  configure(folder: string, which: number): void
  /** Calls `end` after a while, or when all faults are lifted. */
  lasting(forMs: number, end: () => void): void
  /** Acts at the next of these, unless all faults are lifted before. */
  trap(trigger: Trigger, act: () => void): void
}

export interface World extends Omit<Deployment, 'injectOwn' | 'settled' | 'shutDown' | 'diskFullAt'> {
  workspace: Workspace
  simulators: readonly Simulator[]
  /** By provider, and `slack`. */
  proxies: ReadonlyMap<string, FaultProxy>
  inject(fault: Fault): void
  /** Acts at the next of these, in the same turn of the loop, with whose it is. Answers with how to call that off. */
  onNext(trigger: Trigger, act: (by: number) => void): () => void
  /** Lifts all faults, but leaves the clocks as they are, as real machines would. */
  heal(): Promise<void>
  /** Faults that came about, by kind. */
  injected(): Readonly<Record<string, number>>
  /** The provider's own list of what exists. */
  rowsOf(provider: string): readonly (readonly string[])[]
  /** All that people see in Slack. */
  messages(): Message[]
  close(): Promise<void>
}

export interface WorldOptions {
  /** How many things to clone from or onto there must be, where a provider bounds them. */
  count: number
  /** Whether the bot may read Slack's channels, to find its own messages. */
  canReadHistory: boolean
  /** How many processes there are at most. */
  processes: number
  /** Whether Slack answers 429 to more than it takes. */
  hasRateLimits: boolean
}

const CLONE_MS = 1_200

export async function startWorld<D extends Deployment>(
  { count, canReadHistory, processes, hasRateLimits }: WorldOptions,
  deploy: (site: Site) => Promise<D>,
): Promise<World & D> {
  const folder = mkdtempSync(join(tmpdir(), 'dolly-torture-'))
  const simulators = await Promise.all([
    startCloudFoundry({ cloneMs: CLONE_MS, count }),
    startCoolify({ cloneMs: CLONE_MS }),
    startHoody({ cloneMs: CLONE_MS, count }),
    startMiget({ cloneMs: CLONE_MS, count: Math.ceil(count / 6) + 1 }),
    startQovery({ cloneMs: CLONE_MS }),
    startRainbond({ cloneMs: CLONE_MS }),
  ])
  // Without the providers' panels, because there is no page here.
  const usual = ['commands', 'chat:write', 'users:read', 'usergroups:read']
  const history = ['channels:history', 'groups:history', 'im:history']
  const workspace = await startWorkspace({ hasRateLimits, scopes: canReadHistory ? [...usual, ...history] : usual })
  const proxies = new Map<string, FaultProxy>()
  const isPost = (_: string, path: string) => /\/chat\.(postMessage|update)$/.test(path)
  // Conversations of two have ids that begin with another letter, or that of a person.
  const isToChannel = (path: string, body: string) =>
    path.endsWith('/chat.postMessage') && new URLSearchParams(body).get('channel')?.startsWith('C') === true
  proxies.set('slack', await startProxy(workspace.url, processes, isPost, isToChannel))
  for (const { id, connection } of simulators) {
    const { origin } = new URL(connection.url ?? '')
    proxies.set(id, await startProxy(origin, processes, (method) => method !== 'GET'))
  }
  // Access rules are not tested here, but that what Eli asks for must be approved by two.
  const { ann, bo, eli } = workspace.people
  const approval = { by: [ann.id, bo.id], count: APPROVERS_NEEDED }
  const everyone = {
    owner: '#platform',
    access: [
      { who: eli.id, may: '*', on: '*', approval },
      { who: 'members', may: '*', on: '*' },
    ],
  }
  // biome-ignore lint/suspicious/noThenProperty: a key of dolly.yml, and nothing awaits this object.
  const expiry = () => ({ then: 'delete' })
  const counts: Record<string, number> = {}
  const endings = new Map<NodeJS.Timeout, () => void>()
  const traps = new Set<() => void>()

  function configure(into: string, which: number): void {
    const reached = simulators.map(({ id, connection }) => {
      const { origin } = new URL(connection.url ?? '')
      const url = connection.url?.replace(origin, proxies.get(id)?.urls[which] ?? '') ?? ''
      return { id, connection: { ...connection, url, expiry: expiry() } }
    })
    writeConfig(into, reached, { everySeconds: 1 }, everyone)
  }

  function lasting(forMs: number, end: () => void): void {
    const timer = setTimeout(() => {
      endings.delete(timer)
      end()
    }, forMs)
    endings.set(timer, end)
  }

  function onNext(trigger: Trigger, act: (by: number) => void): () => void {
    const watched = [...proxies].filter(([of]) => trigger === 'time-out' || (of === 'slack') === (trigger === 'post'))
    const callOffs = watched.map(([, proxy]) => (trigger === 'time-out' ? proxy.onGivenUp(once) : proxy.onWrite(once)))
    function callOff(): void {
      for (const one of callOffs) one()
    }
    function once(by: number): void {
      callOff()
      act(by)
    }
    return callOff
  }

  const trap: Site['trap'] = (trigger, act) => void traps.add(onNext(trigger, act))
  const deployment = await deploy({ folder, workspace, proxies, configure, lasting, trap })
  const { bots, injectOwn, settled, diskFullAt, shutDown } = deployment

  function apply(fault: Fault): boolean {
    switch (fault.kind) {
      case 'mishap':
        proxies.get(fault.of)?.plan(fault.accident, fault.times)
        return true
      case 'down':
        proxies.get(fault.of)?.setDown(true)
        lasting(fault.forMs, () => proxies.get(fault.of)?.setDown(false))
        return true
      case 'failure':
        simulators.find(({ id }) => id === fault.of)?.setSwitch(fault.failure, true)
        return true
      case 'dialect': {
        const speaker = simulators.find(({ id }) => id === fault.of)
        if (!speaker?.switches().some(({ id }) => id === fault.dialect)) return false
        speaker.setSwitch(fault.dialect, true)
        lasting(fault.forMs, () => speaker.setSwitch(fault.dialect, false))
        return true
      }
      case 'silent socket':
        workspace.silenceSockets(fault.how)
        if (fault.how !== 'mute') lasting(fault.forMs, () => workspace.silenceSockets(undefined))
        return true
      default:
        return injectOwn(fault)
    }
  }

  return {
    ...deployment,
    workspace,
    simulators,
    proxies,
    onNext,
    inject(fault) {
      // Proxies count their own accidents, where they happen.
      if (apply(fault) && fault.kind !== 'mishap') counts[nameOf(fault)] = (counts[nameOf(fault)] ?? 0) + 1
    },
    async heal() {
      for (const [timer, end] of endings) {
        clearTimeout(timer)
        end()
      }
      endings.clear()
      for (const callOff of traps) callOff()
      for (const proxy of proxies.values()) proxy.heal()
      for (const simulator of simulators) {
        for (const { id, on } of simulator.switches()) if (on) simulator.setSwitch(id, false)
      }
      await settled()
    },
    injected() {
      const happened = [...proxies].flatMap(([of, proxy]) =>
        Object.entries(proxy.happened()).map(
          ([mishap, times]) => [`${of === 'slack' ? 'Slack' : 'provider'}: ${mishap}`, times] as const,
        ),
      )
      const sums: Record<string, number> = { ...counts }
      for (const [name, times] of [...happened, ...diskFullAt()]) sums[name] = (sums[name] ?? 0) + times
      return sums
    },
    rowsOf: (provider) => simulators.find(({ id }) => id === provider)?.table().rows ?? [],
    messages() {
      const all = Object.values(workspace.people).flatMap(({ id }) => workspace.snapshot(id).messages)
      return [...new Map(all.map((one) => [`${one.channel} ${one.ts}`, one])).values()].sort((one, other) =>
        one.ts < other.ts ? -1 : 1,
      )
    },
    async close() {
      for (const timer of endings.keys()) clearTimeout(timer)
      await Promise.all(bots.map((bot) => bot.kill()))
      await shutDown()
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()))
      await workspace.close()
      await Promise.all(simulators.map((simulator) => simulator.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
