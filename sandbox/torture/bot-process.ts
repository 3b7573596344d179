/** Where a bot lives: started, killed, and started again at once whatever it ended of, as an operator's service does. */
import { setTimeout as delay } from 'node:timers/promises'
import { spawnBot } from '../bot.js'

export interface Stall {
  /** Does nothing while there is one. */
  start(): void
  /** Resolves when the bot of this moment is up, or the one after it if that one ends before. */
  ready(): Promise<void>
  /** SIGKILL, no matter how far its start has come; resolves when it is dead. */
  kill(): Promise<void>
  /** SIGTERM, and no bot after it. */
  stop(): Promise<void>
  isRunning(): boolean
  /** Stops the bot of this moment in its tracks; answers with how to let it go on. */
  freeze(): () => void
  /** How each that ended by itself ended, with its last words. */
  falls(): readonly string[]
  /** Milliseconds from start to up, of all that came so far. */
  starts(): readonly number[]
  /** Lines of the log that tell of a bug, with how often. */
  bugs(): ReadonlyMap<string, number>
  /** What the full disk hit, with how often. */
  hits(): ReadonlyMap<string, number>
}

const PAUSE_MS = 200

/** @param env asked at each start. */
export function createStall(folder: string, env: () => Readonly<Record<string, string>>): Stall {
  const falls: string[] = []
  const starts: number[] = []
  const bugs = new Map<string, number>()
  const hits = new Map<string, number>()
  let current: ReturnType<typeof spawnBot> | undefined
  let isWanted = false
  /** Settled anew with each start that succeeds. */
  let up = pending()
  // Nobody is left behind when the run itself is interrupted.
  process.once('exit', () => void current?.kill('SIGKILL'))

  function start(): void {
    if (!current) spawn()
  }

  function spawn(): void {
    isWanted = true
    const began = performance.now()
    const bot = spawnBot(folder, env(), note)
    current = bot
    const mine = up
    bot.up.then(
      () => {
        starts.push(performance.now() - began)
        if (current === bot) mine.resolve()
      },
      () => undefined,
    )
    bot.exited.then(async (end) => {
      if (current !== bot) return
      // Nobody killed it.
      falls.push(`${end}: ${lastWords(bot.log())}`)
      up = renewed(up)
      await delay(PAUSE_MS)
      if (isWanted && current === bot) spawn()
    })
  }

  function note(output: string): void {
    for (const line of output.split('\n')) {
      const [, hit] = /^disk full at: (.*)/.exec(line) ?? []
      if (hit) hits.set(hit, (hits.get(hit) ?? 0) + 1)
      if (!/a bug, not the provider|something broke that nobody expected|a Slack request broke/.test(line)) continue
      const words = /"stack":"(.{0,300})/.exec(line)?.[1] ?? line.slice(0, 300)
      bugs.set(words, (bugs.get(words) ?? 0) + 1)
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const bot = current
    current = undefined
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
    freeze: () => current?.freeze() ?? (() => {}),
    falls: () => falls,
    starts: () => starts,
    bugs: () => bugs,
    hits: () => hits,
  }
}

/** What is not of the log proper, if there is any: the sentence for the operator. */
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
  let settle = () => {}
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  return {
    promise,
    isSettled: () => isSettled,
    resolve() {
      isSettled = true
      settle()
    },
  }
}

/** Those who wait go on waiting; after a bot that was up a new wait begins. */
function renewed(up: Pending): Pending {
  return up.isSettled() ? pending() : up
}
