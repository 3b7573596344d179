/** A bot as an operator's service keeps it: started, killed, and started again whatever it ended of. */
import { setTimeout as delay } from 'node:timers/promises'
import { spawnBot } from '../bot.js'

export interface BotProcess {
  /** Does nothing while there is one. */
  start(): void
  /** Resolves when the current bot is up, or the next one if that one ends before. */
  ready(): Promise<void>
  /** SIGKILL, no matter how far its start has come; resolves when it is dead. */
  kill(): Promise<void>
  /** SIGTERM, and no bot after it. */
  stop(): Promise<void>
  isRunning(): boolean
  isUp(): boolean
  /** Since when the current bot is up, as `performance.now()` counts. */
  upSince(): number | undefined
  isFrozen(): boolean
  pid(): number | undefined
  /** Stops the current bot with SIGSTOP; answers with how to let it go on. */
  freeze(): () => void
  /** Its start is not to be timed: something outside the bot holds it up. */
  excuse(): void
  /** How each that ended by itself ended, with its last words; without those that another process kept out. */
  ownExits(): readonly string[]
  /** Milliseconds from start to up, of all that came up so far. */
  starts(): readonly number[]
  /** Milliseconds from a start to the first poll of every running job. */
  firstPolls(): readonly FirstPoll[]
  /** Lines of the log that report a bug, with how often. */
  bugs(): ReadonlyMap<string, number>
  /** What the full disk hit, with how often. */
  diskFullAt(): ReadonlyMap<string, number>
}

export interface FirstPoll {
  ms: number
  /** A locked database, a full disk or a freeze held it up. */
  isExcused: boolean
}

export interface BotProcessOptions {
  /** Asked at each start. */
  env(): Readonly<Record<string, string>>
  /** Whether something outside the bot holds up a start right now. */
  isHeldUp?(): boolean
  onUp?(): void
  /** It ended because another process uses the database. */
  onKeptOut?(log: string): void
}

const PAUSE_MS = 200
const KEPT_OUT = /is in use by another Dolly/
const FIRST_POLLS = /"ms":(\d+).*"msg":"every running job was polled after the start"/
const BUG = /a bug, not the provider|something broke unexpectedly|a Slack request broke/

export function createBotProcess(
  folder: string,
  { env, isHeldUp = () => false, onUp = () => {}, onKeptOut = () => {} }: BotProcessOptions,
): BotProcess {
  const ownExits: string[] = []
  const starts: number[] = []
  const firstPolls: FirstPoll[] = []
  const bugs = new Map<string, number>()
  const diskFullAt = new Map<string, number>()
  let current: ReturnType<typeof spawnBot> | undefined
  let isWanted = false
  let isExcused = false
  let upSince: number | undefined
  let frozen: typeof current
  let up = pending()
  // An interrupted run leaves no bot behind.
  process.once('exit', () => void current?.kill('SIGKILL'))

  function start(): void {
    if (!current) spawn()
  }

  function spawn(): void {
    isWanted = true
    isExcused = isHeldUp()
    const began = performance.now()
    const bot = spawnBot(folder, env(), note)
    current = bot
    const mine = up
    bot.up.then(
      () => {
        starts.push(performance.now() - began)
        if (current !== bot) return
        upSince = performance.now()
        mine.resolve()
        onUp()
      },
      () => undefined,
    )
    bot.exited.then(async (end) => {
      if (current !== bot) return
      // It was not killed.
      const words = lastWords(bot.log())
      if (KEPT_OUT.test(bot.log())) onKeptOut(bot.log())
      else ownExits.push(`${end}: ${words}`)
      upSince = undefined
      up = renewed(up)
      await delay(PAUSE_MS)
      if (isWanted && current === bot) spawn()
    })
  }

  function note(output: string): void {
    for (const line of output.split('\n')) {
      const [, hit] = /^disk full at: (.*)/.exec(line) ?? []
      if (hit) diskFullAt.set(hit, (diskFullAt.get(hit) ?? 0) + 1)
      const [, ms] = FIRST_POLLS.exec(line) ?? []
      if (ms) firstPolls.push({ ms: Number(ms), isExcused })
      if (!BUG.test(line)) continue
      const words = /"stack":"(.{0,300})/.exec(line)?.[1] ?? line.slice(0, 300)
      bugs.set(words, (bugs.get(words) ?? 0) + 1)
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const bot = current
    current = undefined
    upSince = undefined
    up = renewed(up)
    await bot?.kill(signal)
  }

  return {
    start,
    ready: () => up.promise,
    async kill() {
      await end('SIGKILL')
    },
    async stop() {
      isWanted = false
      await end('SIGTERM')
    },
    isRunning: () => current !== undefined,
    isUp: () => up.isSettled(),
    upSince: () => upSince,
    isFrozen: () => current !== undefined && current === frozen,
    pid: () => current?.pid,
    freeze() {
      isExcused = true
      const bot = current
      const goOn = bot?.freeze()
      frozen = bot
      return () => {
        if (frozen === bot) frozen = undefined
        goOn?.()
      }
    },
    excuse() {
      isExcused = true
    },
    ownExits: () => ownExits,
    starts: () => starts,
    firstPolls: () => firstPolls,
    bugs: () => bugs,
    diskFullAt: () => diskFullAt,
  }
}

/** The sentence for the operator, if the bot printed one; otherwise the end of its log. */
function lastWords(output: string): string {
  const plain = output.split('\n').filter((line) => line && !/^[{]|^disk full at/.test(line))
  return plain.join(' ').slice(-600) || output.slice(-600)
}

interface Pending {
  promise: Promise<void>
  resolve(): void
  isSettled(): boolean
}

function pending(): Pending {
  let isSettled = false
  let resolvePromise = () => {}
  const promise = new Promise<void>((resolve) => {
    resolvePromise = resolve
  })
  return {
    promise,
    isSettled: () => isSettled,
    resolve() {
      isSettled = true
      resolvePromise()
    },
  }
}

/** Those who wait go on waiting; after a bot that was up a new wait begins. */
function renewed(up: Pending): Pending {
  return up.isSettled() ? pending() : up
}
