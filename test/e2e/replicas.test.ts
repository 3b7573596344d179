/** Three real replicas on one Postgres, with a Slack that holds them to its rate limits. */
import { expect, it } from 'vitest'
import { judge } from '../../sandbox/torture/judge.js'
import { waitForEnds } from '../../sandbox/torture/recovery.js'
import { deployReplicas } from '../../sandbox/torture/replicas.js'
import { type Submission, submit } from '../../sandbox/torture/requester.js'
import { scenarios } from '../../sandbox/torture/scenarios.js'
import { startWorld } from '../../sandbox/torture/world.js'

const JOBS = 24

it('take 24 jobs of one channel and write one at a time, and Slack never answers 429', async () => {
  const options = { count: JOBS, canReadHistory: false, processes: 3, hasRateLimits: true }
  const world = await startWorld(options, (site) => deployReplicas(3, site))
  try {
    await world.empty()
    for (const bot of world.bots) bot.start()
    await Promise.all(world.bots.map((bot) => bot.ready()))
    const { people, channels } = world.workspace
    // Rainbond takes one write at a time.
    const scenario = scenarios.find(({ provider }) => provider === 'rainbond') ?? scenarios[0]
    const submissions = Array.from({ length: JOBS }, (_, number): Submission => {
      const { id: who } = [people.ann, people.bo, people.fay][number % 3] ?? people.ann
      const common = { progress: 'planned', isOnLastPage: false, isAcknowledged: false } as const
      return { number, scenario, input: scenario.input(number), who, channel: channels.deploys.id, ...common }
    })
    await Promise.all(
      [people.ann, people.bo, people.fay].map(async ({ id }) => {
        for (const one of submissions.filter(({ who }) => who === id))
          await submit(world.workspace.as(id), one, () => world.ready())
      }),
    )
    expect(submissions.filter(({ isAcknowledged }) => !isAcknowledged).map(({ problem }) => problem)).toEqual([])
    await waitForEnds(world, () => {})

    const exchanges = Object.fromEntries([...world.proxies].map(([of, proxy]) => [of, proxy.exchanges]))
    const tables = Object.fromEntries(world.simulators.map(({ id }) => [id, world.rowsOf(id)]))
    const { offences, findings } = judge({ submissions, messages: world.messages(), exchanges, tables, atStart: {} })
    expect(offences.map(({ count, sentence }) => `${count}: ${sentence}`)).toEqual([])
    expect(findings.map(({ end }) => end)).toEqual(Array(JOBS).fill('done'))
    expect(world.sharing().tooManyWrites).toEqual([])
    expect(exchanges.slack?.filter(({ status }) => status === 429)).toEqual([])
    expect(world.bots.flatMap((bot) => bot.ownExits())).toEqual([])
  } finally {
    await world.close()
  }
}, 600_000)
