/** A Bolt app that nothing listens for: a test hands it requests with `processEvent`. */
import { Validator } from '../../src/commands/clone/validate.js'
import { PickerLists } from '../../src/commands/picker-lists.js'
import type { Services } from '../../src/commands/services.js'
import { describeJob } from '../../src/connections.js'
import { seenInMemory } from '../../src/lib/seen.js'
import { clientOptions } from '../../src/slack/api/client.js'
import { People } from '../../src/slack/api/people.js'
import { BoltApp } from '../../src/slack/transport/bolt-app.js'
import type { TestContext } from './context.js'
import { quietLogger } from './slack-request.js'

/** @param fetchOf answers what the app sends, to Slack's API and to response URLs; `ok` to all of it unless given. */
export function testBoltApp(fetchOf: typeof fetch = async () => Response.json({ ok: true })): BoltApp {
  return new BoltApp({
    receiver: { init: () => {}, start: async () => {}, stop: async () => {} },
    authorize: async () => ({ botToken: 'xoxb-1', botId: 'B1', botUserId: 'U0', teamId: 'T1' }),
    logger: quietLogger,
    clientOptions: { ...clientOptions('http://slack.example/api/', quietLogger), fetch: fetchOf },
  })
}

/** Everybody is a member of the workspace T1 and of no group; members may do everything. */
export function testServices(context: TestContext, overrides: Partial<Services> = {}): Services {
  const { log, now } = context
  return {
    ...context,
    lists: new PickerLists(now, log),
    validator: new Validator(log),
    people: testPeople(context),
    access: { owner: '#platform', rules: [{ who: ['members'], may: ['*'], on: ['*'], target: ['*'] }] },
    elapsed: now,
    wake: () => {},
    waitForThread: async () => null,
    showHome: async () => ({ hash: null }),
    seenBefore: seenInMemory(now),
    describe: (job) => describeJob(context.db, context.connections, job, now()),
    workspaceUrl: () => 'https://woolworks.slack.com/',
    ...overrides,
  }
}

/** @param channels the ids of those that everybody is in; without them Slack is not asked about channels. */
export function testPeople({ log, now }: TestContext, channels?: readonly string[]): People {
  const known = channels?.map((id) => ({ id }))
  return new People({
    slack: {
      users: { info: async () => ({ user: { team_id: 'T1' } }) },
      usergroups: { users: { list: async () => ({ users: [] }) } },
    },
    team: async () => 'T1',
    groups: [],
    ...(known && {
      channels: { list: async () => ({ channels: known }), scopes: () => ['channels:read'], mayBeShared: false },
    }),
    elapsed: now,
    log,
  })
}
