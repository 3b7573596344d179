/** Who is refused, wherever they ask: at the command, in each list, on each page, at each button, also with made-up payloads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bot } from '../../sandbox/bot.js'
import { startCloudFoundry } from '../../sandbox/providers/cloud-foundry.js'
import { startMiget } from '../../sandbox/providers/miget.js'
import { GROUPS } from '../../sandbox/slack/backend.js'
import type { Actor } from '../../sandbox/slack/person.js'
import { askForCopy, askRiddle, isDone, startWorld, type World } from '../helpers/world.js'

const [platformGroup] = Object.keys(GROUPS)
const owner = 'Ask #platform for access.'
const picked = (value: string, label: string) => ({
  selected_option: { value, text: { type: 'plain_text', text: label } },
})

/** A request as Slack would sign it, with whatever a client of its own making may put into it. */
function forged(world: World, who: Actor, callback: string, memory: unknown, values: object = {}, team?: string) {
  const { team: ours, bot } = world.workspace
  const teamId = team ?? ours.id
  return {
    user: { id: who.id, username: 'x', name: 'x', team_id: teamId },
    team: { id: teamId, domain: 'x' },
    api_app_id: bot.appId,
    token: 'x',
    view: {
      id: 'V0FORGED',
      root_view_id: 'V0FORGED',
      type: 'modal',
      callback_id: callback,
      hash: '1',
      private_metadata: typeof memory === 'string' ? memory : JSON.stringify(memory),
      blocks: [],
      state: { values },
    },
  }
}

async function submitted(world: World, payload: object): Promise<string> {
  const answer = await world.workspace.deliver('interactive', { type: 'view_submission', ...payload })
  return JSON.stringify(answer.ok ? answer.body : answer)
}

async function listed(world: World, payload: object, field: string): Promise<string> {
  const rest = { action_id: `field:${field}:`, block_id: field, value: '' }
  const answer = await world.workspace.deliver('interactive', { type: 'block_suggestion', ...payload, ...rest })
  return JSON.stringify(answer.ok ? answer.body : answer)
}

const formOf = (connection: string, operation: string, more: object = {}) => ({
  connection,
  operation,
  values: {},
  labels: {},
  remarks: {},
  typed: {},
  channel: '',
  opening: '',
  ...more,
})

/** A list that shows nothing. There's no room for a reason beside it, so a refused one looks the same. */
const nothing = '{"options":[]}'

/** What the person was just told, to them alone. */
async function told(who: Actor, sentence: string): Promise<void> {
  await who.waitForMessage(({ text, isEphemeral }) => isEphemeral && text.includes(sentence))
}

/** What the person reads after this command, to them alone. */
async function answerTo(who: Actor, channel: string, command: string): Promise<string> {
  const before = new Set(who.snapshot().messages.map(({ ts }) => ts))
  await who.write(channel, command)
  const answer = await who.waitForMessage(({ ts, isEphemeral }) => isEphemeral && !before.has(ts))
  return answer.text
}

async function closeAll(who: Actor): Promise<void> {
  while (who.topView()) await who.close()
}

describe('with rules for a group, a channel and members', () => {
  let world: World
  let bot: Bot
  let ann: Actor
  let bo: Actor
  let cleo: Actor
  let dora: Actor
  let platform: string
  let deploys: string

  beforeAll(async () => {
    world = await startWorld('http', {
      // Lets people choose a channel, where Slack says that they are in it.
      scopes: ['commands', 'chat:write', 'users:read', 'usergroups:read', 'channels:read', 'groups:read'],
      others: [startCloudFoundry, startMiget],
      access: ({ channels }) => [
        { who: platformGroup, may: '*', on: '*' },
        { who: channels.deploys.id, may: 'copy-bits', on: 'cloud-*' },
        { who: 'members', may: 'copy', on: 'hoody', target: ['* in woolworks-staging'] },
        { who: 'members', may: 'sync', on: 'hoody' },
        // Loose at its end, as somebody may write it.
        { who: 'members', may: 'clone', on: 'cloud-*', target: '* in staging*' },
      ],
    })
    const { workspace } = world
    const { people, channels } = workspace
    ;[ann, bo] = [workspace.as(people.ann.id), workspace.as(people.bo.id)]
    ;[cleo, dora] = [workspace.as(people.cleo.id), workspace.as(people.dora.id)]
    ;[platform, deploys] = [channels.platform.id, channels.deploys.id]
    await workspace.leave(channels.random.id, 'bo')
    bot = await world.start()
  }, 90_000)
  afterAll(async () => await world.close())

  /** What the open form remembers. */
  const memoryOf = (who: Actor) => JSON.parse(who.topView()?.private_metadata ?? '{}')
  /** That the log says why a list was refused: in Slack only submitting the form does. */
  const listRefused = async (who: Actor, reason: string) => {
    const words = ['a list in a form was refused', `"user":"${who.id}"`, reason]
    const lines = () => bot.log().split('\n')
    await expect.poll(() => lines().filter((line) => words.every((word) => line.includes(word)))).not.toEqual([])
  }
  /** A new process has counted none of the commands so far. */
  const restart = async () => {
    await bot.kill('SIGTERM')
    bot = await world.start()
  }
  const nothingCameOfIt = () => {
    expect(world.rows('select id from jobs')).toEqual([])
    expect(world.hoody.writes()).toEqual([])
  }

  it('a member sees only their connections, the group sees all', async () => {
    await bo.write(platform, '/clone-app')
    const choice = JSON.stringify((await bo.waitForView()).blocks)
    expect(choice.match(/"value":"[^"]+\/[^"]+"/g)).toEqual([
      '"value":"hoody/copy"',
      '"value":"hoody/sync"',
      '"value":"cloud-foundry/clone"',
    ])
    await closeAll(bo)
    const help = await answerTo(bo, platform, '/clone-app help')
    expect(help).toContain('/clone-app hoody copy')
    const ofOne = await answerTo(bo, platform, '/clone-app help cloud-foundry')
    expect(ofOne).toContain('/clone-app cloud-foundry clone')
    const commands = await answerTo(bo, platform, '/clone-app help all')
    expect(commands).toContain('/clone-app status')
    for (const text of [help, ofOne, commands]) expect(text).not.toMatch(/miget|copy-bits/)

    await ann.write(platform, '/clone-app')
    const all = JSON.stringify((await ann.waitForView()).blocks)
    for (const one of ['hoody/copy', 'cloud-foundry/copy-bits', 'miget/clone']) expect(all).toContain(one)
    await closeAll(ann)
    expect(await answerTo(ann, platform, '/clone-app help miget')).toContain('/clone-app miget clone')
    expect(await answerTo(ann, platform, '/clone-app help cloud-foundry')).toContain(
      '/clone-app cloud-foundry copy-bits',
    )
  })

  it('a member who names what is not theirs learns whom to ask', async () => {
    await restart()
    const noMiget = `You can't use miget. ${owner}`
    const noBits = `You can't run copy-bits on cloud-foundry. ${owner}`
    expect(await answerTo(bo, platform, '/clone-app miget clone')).toBe(noMiget)
    expect(await answerTo(bo, platform, '/clone-app help miget')).toBe(noMiget)
    expect(await answerTo(bo, platform, '/clone-app cloud-foundry copy-bits')).toBe(noBits)
    expect(await answerTo(bo, platform, '/clone-app help cloud-foundry copy-bits')).toBe(noBits)
    expect(await answerTo(bo, platform, '/clone-app copy-bits')).toBe(
      `You can't run copy-bits on any connection. ${owner}`,
    )
    expect(bo.topView()).toBeUndefined()
  })

  for (const [name, person, refused] of [
    // A guest gets help (below) and may have jobs from earlier rules; a stranger gets no verb at all.
    ['a guest', () => cleo, ['', ' hoody copy']],
    [
      'somebody whose account was deactivated',
      () => dora,
      ['', ' help', ' help all', ' help hoody', ' status', ' hoody copy'],
    ],
  ] as const) {
    it(`${name} is refused at the command, in lists and on every page`, async () => {
      const who = person()
      for (const text of refused) {
        const before = world.workspace.calls('views.open').length
        expect(await answerTo(who, platform, `/clone-app${text}`)).toBe(`You can't use Dolly here. ${owner}`)
        expect(world.workspace.calls('views.open')).toHaveLength(before)
      }

      // Ann's own key to her own form is worth nothing in other hands.
      await ann.write(platform, '/clone-app hoody copy')
      await ann.waitForView()
      const memory = memoryOf(ann)
      expect(await listed(world, forged(world, ann, 'operation_form', memory), 'container')).toContain('shop-api')
      expect(await listed(world, forged(world, who, 'operation_form', memory), 'container')).toBe(nothing)
      await listRefused(who, `You can't run copy on hoody. ${owner}`)
      const container = await ann.options('container', 'shop-api')
      const project = await ann.options('project', 'staging')
      const values = {
        container: { a: picked(container[0]?.value ?? '', 'shop-api') },
        project: { a: picked(project[0]?.value ?? '', 'woolworks-staging') },
        name: { a: { value: 'forged' } },
        _channel: { a: { selected_conversation: platform } },
      }
      const choice = { choice: { choice: picked('hoody/copy', 'Copy a container') } }
      const page1 = { channel: platform, opening: memory.opening, values: {} }
      expect(await submitted(world, forged(world, who, 'operation_choice', page1, choice))).toContain(
        `{"response_action":"errors","errors":{"choice":"You can't run copy on hoody. ${owner}"}}`,
      )
      expect(await submitted(world, forged(world, who, 'operation_form', memory, values))).toContain(
        `You can't run copy on hoody. ${owner}`,
      )

      await ann.choose('container', 'shop-api', 'shop-api')
      await ann.choose('project', 'woolworks-staging', 'staging')
      expect(await ann.submit({ name: 'forged' })).toEqual({})
      const preview = await ann.waitForView(({ callback_id }) => callback_id === 'operation_preview')
      expect(await submitted(world, forged(world, who, 'operation_preview', preview.private_metadata))).toContain(
        'This page has expired',
      )
      await closeAll(ann)
      nothingCameOfIt()
    })
  }

  it('help tells a guest that they can start nothing, and names no connection', async () => {
    const help = await answerTo(cleo, platform, '/clone-app help')
    expect(help).toContain(`You can't start anything here. ${owner}`)
    const commands = await answerTo(cleo, platform, '/clone-app help all')
    expect(commands).toContain('All commands')
    for (const text of [help, commands]) expect(text).not.toMatch(/hoody|miget|cloud-foundry|copy/)
    expect(await answerTo(cleo, platform, '/clone-app help hoody')).toBe(`You can't use hoody. ${owner}`)
  })

  it('somebody of another company is refused, also under the name of a member', async () => {
    const foreign = (callback: string, memory: unknown, values: object = {}) =>
      forged(world, ann, callback, memory, values, 'T0STRANGER')
    const memory = formOf('hoody', 'copy')
    expect(await submitted(world, foreign('operation_form', memory))).toContain("You can't run copy on hoody")
    expect(await listed(world, forged(world, ann, 'operation_form', memory), 'container')).toContain('shop-api')
    expect(await listed(world, foreign('operation_form', memory), 'container')).toBe(nothing)
    await listRefused(ann, `You can't run copy on hoody. ${owner}`)
    const command = { command: '/clone-app', text: '', team_id: 'T0STRANGER', user_id: ann.id, channel_id: platform }
    const url = await responseUrl(world)
    await world.workspace.deliver('slash_commands', { ...command, trigger_id: 'x', response_url: url })
    await told(bo, `You can't use Dolly here. ${owner}`)
  })

  it('a rule for a channel fits where the command is typed, and no modal can say otherwise', async () => {
    await bo.write(platform, '/clone-app cloud-foundry copy-bits')
    expect(bo.topView()).toBeUndefined()
    await bo.write(deploys, '/clone-app cloud-foundry copy-bits')
    await bo.waitForView()
    const there = memoryOf(bo)
    expect((await bo.options('app', 'shop-api')).length).toBeGreaterThan(0)
    await closeAll(bo)
    expect(await listed(world, forged(world, bo, 'operation_form', there), 'app')).toContain('shop-api')

    // Opened in #platform, with the channel, the connection and the operation of another form written into it.
    await bo.write(platform, '/clone-app hoody copy')
    await bo.waitForView()
    const here = { ...there, opening: memoryOf(bo).opening, channel: deploys }
    const refusal = `You can't run copy-bits on cloud-foundry. ${owner}`
    expect(await submitted(world, forged(world, bo, 'operation_form', here))).toContain(refusal)
    expect(await listed(world, forged(world, bo, 'operation_form', here), 'app')).toBe(nothing)
    await listRefused(bo, refusal)

    // The key to another row of his own, in which #deploys is where the updates shall go.
    await bo.choose('container', 'shop-api', 'shop-api')
    await bo.choose('project', 'woolworks-staging', 'staging')
    await bo.choose('_channel', deploys)
    expect(await bo.submit({ name: 'elsewhere' })).toEqual({})
    const draft = (await bo.waitForView(({ callback_id }) => callback_id === 'operation_preview')).private_metadata
    await closeAll(bo)
    const swapped = { ...there, opening: draft, channel: deploys }
    expect(await submitted(world, forged(world, bo, 'operation_form', swapped))).toContain(refusal)

    // And the key of somebody who did type it there.
    await ann.write(deploys, '/clone-app cloud-foundry copy-bits')
    await ann.waitForView()
    expect(await submitted(world, forged(world, bo, 'operation_form', memoryOf(ann)))).toContain(refusal)
    await closeAll(ann)
    nothingCameOfIt()
  })

  it('no thread goes where its requester is not, whatever a client sends', async () => {
    const { workspace } = world
    const { random } = workspace.channels
    await bo.write(platform, '/clone-app hoody copy')
    await bo.waitForView()
    await bo.choose('container', 'shop-api', 'shop-api')
    await bo.choose('project', 'woolworks-staging', 'staging')
    const { ann: other } = workspace.people
    for (const place of [random.id, other.id, 'G0PRIVATE']) {
      await bo.choose('_channel', place)
      expect(await bo.submit({ name: 'elsewhere' })).toEqual({
        _channel: expect.stringContaining("I can't see that you're in this channel"),
      })
    }
    // The direct messages between Dolly and somebody else mean his own.
    await bo.choose('_channel', other.directChannel)
    expect(await bo.submit({ name: 'elsewhere' })).toEqual({})
    await closeAll(bo)
    const drafts = world.rows<{ answers: string }>(
      "select answers from drafts where kind = 'answers' order by created_at",
    )
    expect(JSON.parse(drafts.at(-1)?.answers ?? '{}')).toMatchObject({ channel: bo.id })
    nothingCameOfIt()
  })

  it('a rule for a target reads its name from the provider, not from the label that comes back', async () => {
    await bo.write(platform, '/clone-app hoody copy')
    await bo.waitForView()
    const memory = memoryOf(bo)
    const [container] = await bo.options('container', 'shop-api')
    const [production] = await bo.options('project', 'production')
    const values = (label: string, project = production?.value ?? '') => ({
      container: { a: picked(container?.value ?? '', 'shop-api') },
      project: { a: picked(project, label) },
      name: { a: { value: 'sneaked' } },
      _channel: { a: { selected_conversation: platform } },
    })
    for (const label of ['woolworks-production', 'woolworks-staging', production?.value ?? '']) {
      expect(await submitted(world, forged(world, bo, 'operation_form', memory, values(label)))).toContain(
        `You can't run copy on hoody to \\"sneaked in woolworks-production\\". ${owner}`,
      )
    }
    const unlisted = values('woolworks-staging', 'f'.repeat(24))
    expect(await submitted(world, forged(world, bo, 'operation_form', memory, unlisted))).toContain(
      'woolworks-staging\\" is no longer on the list.',
    )
    // Names that were typed, of which the provider says what they stand for; one that it does not know is no name.
    const typed = (project: string) =>
      submitted(world, forged(world, bo, 'operation_form', memory, values(project, project)))
    expect(await typed('woolworks-prod')).toContain('to \\"sneaked in woolworks-production\\"')
    expect(await typed('x in woolworks-staging')).toContain(`\\"x in woolworks-staging\\" isn't on the list.`)
    // Through the form: the refusal lies on top of it, and what was answered is still there.
    await bo.choose('container', 'shop-api', 'shop-api')
    await bo.choose('project', 'woolworks-production', 'production')
    await bo.submit({ name: 'sneaked' })
    expect(JSON.stringify(bo.topView()?.blocks)).toContain('to \\"sneaked in woolworks-production\\"')
    await bo.close()
    expect(Object.values(bo.values().name ?? {})).toMatchObject([{ value: 'sneaked' }])
    await closeAll(bo)
    nothingCameOfIt()
  })

  it('a name typed by hand cannot pass for the place it is in', async () => {
    await restart()
    await bo.write(platform, '/clone-app cloud-foundry clone')
    await bo.waitForView()
    await bo.choose('app', 'shop-api in production (woolworks)', 'shop-api')
    await bo.choose('space', 'sandbox (woolworks-partners)', 'sandbox')
    await bo.submit({ name: 'x in staging' })
    expect(JSON.stringify(bo.topView()?.blocks)).toContain('to \\"x in staging in sandbox (woolworks-partners)\\"')
    await bo.close()
    const values = bo.values()
    const label = { name: { a: picked('x', 'x in staging') } }
    expect(
      await submitted(world, forged(world, bo, 'operation_form', memoryOf(bo), { ...values, ...label })),
    ).toContain('to \\"x in sandbox (woolworks-partners)\\"')
    await bo.choose('space', 'staging (woolworks)', 'staging')
    expect(await bo.submit({ name: 'x' })).toEqual({})
    expect(bo.topView()?.callback_id).toBe('operation_preview')
    await closeAll(bo)
  })
})

describe('with a rule that protects a place', () => {
  let world: World
  let bo: Actor
  beforeAll(async () => {
    world = await startWorld('http', {
      others: [startCloudFoundry],
      access: () => [
        { who: 'members', may: [], on: '*', target: '*production*' },
        { who: 'members', may: ['copy-bits', 'copy'], on: '*', target: ['* in *staging', '* in *staging (*)'] },
      ],
    })
    bo = world.workspace.as(world.workspace.people.bo.id)
    await world.start()
  }, 90_000)
  afterAll(async () => await world.close())

  it('lists leave out what could only be refused', async () => {
    const { platform } = world.workspace.channels
    const labels = async (field: string) => (await bo.options(field)).map(({ text }) => text.text)
    await bo.write(platform.id, '/clone-app cloud-foundry copy-bits')
    await bo.waitForView()
    expect(await labels('target')).toEqual([
      'shop-api-staging in staging (woolworks)',
      'shop-web-staging in staging (woolworks)',
    ])
    // What is copied from is no target.
    expect(await labels('app')).toContain('shop-web in production (woolworks)')
    await closeAll(bo)
    await bo.write(platform.id, '/clone-app hoody copy')
    await bo.waitForView()
    expect(await labels('project')).toEqual(['woolworks-staging'])
    // With a server the name of the target ends in it, which no rule allows.
    expect(await labels('server')).toEqual([])
    await bo.waitForView(({ blocks }) => JSON.stringify(blocks).includes("There's nothing here you can choose."))
    await closeAll(bo)
  })

  it('what is overwritten there is protected, though the operation names only the thing', async () => {
    await bo.write(world.workspace.channels.platform.id, '/clone-app cloud-foundry copy-bits')
    await bo.waitForView()
    const [app] = await bo.options('app', 'shop-web in production')
    const [source] = await bo.options('app', 'shop-api-staging')
    const values = {
      app: { a: picked(source?.value ?? '', 'shop-api-staging') },
      target: { a: picked(app?.value ?? '', 'shop-web in staging (woolworks)') },
      _channel: { a: { selected_conversation: world.workspace.channels.platform.id } },
    }
    const memory = bo.topView()?.private_metadata ?? ''
    expect(await submitted(world, forged(world, bo, 'operation_form', memory, values))).toContain(
      `You can't run copy-bits on cloud-foundry to \\"shop-web in production (woolworks)\\". ${owner}`,
    )
    await bo.choose('app', 'shop-web in production (woolworks)', 'shop-web')
    await bo.choose('target', 'shop-web-staging in staging (woolworks)', 'shop-web')
    expect(await bo.submit()).toEqual({})
    expect(bo.topView()?.callback_id).toBe('operation_preview')
    await closeAll(bo)
  })
})

describe.concurrent('with rules that protect the data of a place', () => {
  it('nothing is copied out of it, while what is elsewhere may be', async () => {
    const world = await startWorld('http', {
      others: [startCloudFoundry],
      access: () => [
        { who: 'members', may: [], on: '*', from: '*production*' },
        { who: 'members', may: '*', on: '*' },
      ],
    })
    try {
      const { workspace } = world
      const { platform } = workspace.channels
      const [ann, bo] = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)]
      await world.start()
      const labels = async (field: string) => (await bo.options(field)).map(({ text }) => text.text)
      await bo.write(platform.id, '/clone-app cloud-foundry copy-bits')
      await bo.waitForView()
      expect((await labels('app')).filter((label) => label.includes('production'))).toEqual([])
      expect(await labels('target')).toContain('shop-web in production (woolworks)')

      // The value of another's list, under a harmless label.
      const [source, target] = await Promise.all([
        bo.options('target', 'shop-web in production'),
        bo.options('target', 'shop-web-staging'),
      ])
      const values = {
        app: { a: picked(source[0]?.value ?? '', 'shop-web-staging in staging (woolworks)') },
        target: { a: picked(target[0]?.value ?? '', 'shop-web-staging in staging (woolworks)') },
        _channel: { a: picked('here', 'Here') },
      }
      const memory = bo.topView()?.private_metadata ?? ''
      expect(await submitted(world, forged(world, bo, 'operation_form', memory, values))).toContain(
        `You can't run copy-bits on cloud-foundry from \\"shop-web in production (woolworks)\\" to`,
      )
      await bo.choose('app', 'shop-web-staging in staging (woolworks)', 'shop-web-staging')
      await bo.choose('target', 'shop-web in production (woolworks)', 'shop-web')
      expect(await bo.submit({ _channel: 'mine' })).toEqual({})
      await bo.submit()
      const root = await bo.waitForMessage(({ text }) => text.includes('requested by'), 15_000)
      // Where it was meant to be: in his direct messages, with no word of another place.
      expect(root.channel).toBe(workspace.people.bo.directChannel)
      expect(JSON.stringify(root.blocks)).not.toContain("couldn't post")
      expect(JSON.stringify(bo.topView()?.blocks)).toMatch(/is on its way: .*its thread> is in a direct message\."/)
      expect(ann.messages(platform.id).filter(({ text }) => text.includes('requested by'))).toEqual([])
    } finally {
      await world.close()
    }
  })
})

describe.concurrent('when somebody cannot answer', () => {
  it('a target without a name is refused, and Slack not answering loses no answer', async ({ expect }) => {
    const world = await startWorld('http')
    try {
      const { workspace, hoody } = world
      const bo = workspace.as(workspace.people.bo.id)
      const first = await world.start()
      await bo.write(workspace.channels.platform.id, '/clone-app hoody copy name=patient')
      await bo.waitForView()
      await bo.choose('container', 'shop-api', 'shop-api')
      await bo.choose('project', 'woolworks-staging', 'staging')
      // A new process knows neither lists nor people, nor who it is itself.
      await first.kill('SIGTERM')
      workspace.setSwitch('down', true)
      await world.start()
      expect(await bo.submit()).toEqual({})
      expect(JSON.stringify(bo.topView()?.blocks)).toContain("I couldn't ask Slack who you are")
      await bo.close()
      workspace.setSwitch('down', false)

      hoody.setSwitch('down', true)
      const errors = await bo.submit()
      expect(Object.values(errors).join(' ')).toContain('Access depends on its name')
      hoody.setSwitch('down', false)
      // A failed list is remembered for a moment.
      await expect.poll(async () => await bo.submit(), { timeout: 15_000, interval: 1_000 }).toEqual({})
      expect(bo.topView()?.callback_id).toBe('operation_preview')
      expect(await bo.submit()).toEqual({})
      await workspace.waitFor(() => world.rows('select target from jobs').length === 1)
      expect(world.rows('select target from jobs')).toEqual([{ target: 'patient in woolworks-staging' }])
    } finally {
      await world.close()
    }
  })

  it('what a rule forbids by name is not let through while its name cannot be read', async () => {
    const access = () => [
      { who: 'members', may: [], on: '*', target: '*production*' },
      { who: 'members', may: '*', on: '*' },
    ]
    const world = await startWorld('http', { access })
    try {
      const bo = world.workspace.as(world.workspace.people.bo.id)
      const first = await world.start()
      const command = '/clone-app hoody copy name=sneaked container=shop-api project=woolworks-production'
      await bo.write(world.workspace.channels.platform.id, command)
      // Named in the command, for its list leaves it out.
      await bo.waitForView(() =>
        ['container', 'project'].every((list) => /"value":"\w{24}"/.test(JSON.stringify(bo.values()[list]))),
      )
      await first.kill('SIGTERM')
      await world.start()
      world.hoody.setSwitch('down', true)
      expect(Object.values(await bo.submit()).join(' ')).toContain('Access depends on its name')
      expect(bo.topView()?.callback_id).not.toBe('operation_preview')
    } finally {
      await world.close()
    }
  })

  it('a start without the scopes that the rules need says which, and how', async () => {
    const world = await startWorld('http', { scopes: ['commands', 'chat:write'] })
    try {
      const refusal = await world.start().then(
        () => '',
        (error: Error) => error.message,
      )
      expect(refusal).toContain('SLACK_BOT_TOKEN lacks the scope users:read')
      expect(refusal).toContain(`An access rule names the user group ${platformGroup}`)
      expect(refusal).toContain('Reinstall the Slack app with the scopes in manifest.yml')
    } finally {
      await world.close()
    }
  })
})

describe.concurrent('the buttons of a job', () => {
  it('are for the group, and for who asked; a guest, somebody deactivated and another company are refused', async () => {
    const world = await startWorld('http', {
      cloneMs: 60_000,
      access: () => [
        { who: platformGroup, may: '*', on: '*' },
        { who: 'members', may: ['copy', 'retry'], on: '*', target: '* in woolworks-staging' },
      ],
    })
    try {
      const { workspace } = world
      const { people } = workspace
      const { ann, bo, root } = await askRiddle(world, 'bo')
      const [{ id = '' } = {}] = world.rows<{ id: string }>('select id from jobs')
      const state = () => world.rows('select state from jobs')
      for (const person of [workspace.as(people.cleo.id), workspace.as(people.dora.id)]) {
        for (const [button, act] of [
          ['job:check_again', 'check'],
          ['job:start_over', 'start over'],
          ['job:dismiss', 'stop watching'],
        ] as const) {
          const before = person.snapshot().messages.filter(({ isEphemeral }) => isEphemeral).length
          await person.click(root, button)
          await workspace.waitFor(
            () => person.snapshot().messages.filter(({ isEphemeral }) => isEphemeral).length > before,
          )
          expect(person.snapshot().messages.findLast(({ isEphemeral }) => isEphemeral)?.text).toBe(
            `You can't ${act} job ${id}. ${owner}`,
          )
        }
      }
      const url = await responseUrl(world)
      const foreign = {
        type: 'block_actions',
        ...forged(world, ann, '', '', {}, 'T0STRANGER'),
        view: undefined,
        container: { type: 'message', message_ts: root.ts, channel_id: root.channel, is_ephemeral: false },
        channel: { id: root.channel, name: 'platform' },
        response_url: url,
        actions: [{ type: 'button', action_id: 'job:dismiss', block_id: 'question', value: id }],
      }
      await workspace.deliver('interactive', foreign)
      await told(bo, `You can't stop watching job ${id}. ${owner}`)
      expect(state()).toEqual([{ state: 'uncertain' }])

      // Bo asked for it, so no rule needs to name the verb for him.
      await bo.click(root, 'job:dismiss')
      await bo.waitForMessage(({ text }) => text.includes(' was cancelled.'), 15_000)
      expect(state()).toEqual([{ state: 'cancelled' }])
    } finally {
      await world.close()
    }
  })

  it('follow the rules of the day: who asked loses them with the right to ask, a verb alone is enough', async () => {
    let rules: readonly object[] = [{ who: 'members', may: 'copy', on: '*' }]
    const world = await startWorld('http', { cloneMs: 60_000, access: () => rules })
    try {
      const { workspace } = world
      const { ann, bo, bot, root } = await askRiddle(world, 'bo')
      const [{ id = '' } = {}] = world.rows<{ id: string }>('select id from jobs')
      await ann.click(root, 'job:check_again')
      await told(ann, `You can't check job ${id}. ${owner}`)

      rules = [
        { who: workspace.people.bo.id, may: [], on: '*' },
        { who: 'members', may: 'retry', on: '*', target: 'riddle in *' },
      ]
      await bot.kill('SIGTERM')
      await world.start()
      await bo.click(root, 'job:start_over')
      await told(bo, `You can't start over job ${id}. ${owner}`)
      expect(world.rows('select state from jobs')).toEqual([{ state: 'uncertain' }])
      await ann.click(root, 'job:check_again')
      await ann.waitForMessage(({ text }) => text.includes('Found it'), 15_000)
    } finally {
      await world.close()
    }
  })
})

it.concurrent('a copy to where a rule lets members copy goes all the way', async () => {
  const world = await startWorld('socket')
  try {
    const bo = world.workspace.as(world.workspace.people.bo.id)
    await world.start()
    await askForCopy(world, 'allowed', 'bo')
    await bo.waitForMessage(({ text }) => text.includes('allowed') && isDone(text), 20_000)
    const { platform } = world.workspace.channels
    expect(world.rows('select asked_in as askedIn from jobs')).toEqual([{ askedIn: platform.id }])
  } finally {
    await world.close()
  }
})

/** A response URL that shows what comes to it to Bo, in #platform. */
async function responseUrl({ workspace }: World): Promise<string> {
  const bo = workspace.people.bo.id
  return workspace.issueResponseUrl({ user: bo, channel: workspace.channels.platform.id })
}
