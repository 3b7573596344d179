/** Two people at once, lists that can't be read, views that Slack refuses, and questions only a person can answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askRiddle, isDone, startWorld, type World } from '../helpers/world.js'

describe('when things go wrong', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld('http', { cloneMs: 1_500 })
    await world.start()
  }, 30_000)
  afterAll(async () => await world.close())

  const copiesOf = (name: string) =>
    world.hoody.writes().filter(({ body, status }) => status === 201 && JSON.stringify(body).includes(`"${name}"`))
      .length

  it('two submissions for one target at the same moment are one job, and the other person reads who is first', async () => {
    const { workspace } = world
    const [ann, bo] = [workspace.as(workspace.people.ann.id), workspace.as(workspace.people.bo.id)]
    for (const person of [ann, bo]) {
      await person.write(workspace.channels.platform.id, '/clone-app hoody copy name=contested')
      await person.waitForView()
      await person.choose('container', 'shop-api', 'shop-api')
      await person.choose('project', 'woolworks-staging', 'staging')
      await person.submit()
      await person.waitForView((view) => view.callback_id === 'operation_preview')
    }
    await Promise.all([ann.submit(), bo.submit()])
    const [told, first] = ann.topView() ? [ann, bo] : [bo, ann]
    expect(first.topView()).toBeUndefined()
    expect(JSON.stringify(told.topView()?.blocks)).toContain(`<@${first.id}> was first`)
    while (told.topView()) await told.close()

    const root = await first.waitForMessage(({ text }) => text.includes('contested'))
    expect(root.text).toContain(`requested by <@${first.id}>`)

    // A third try, now that the thread stands, is shown the way to it.
    await told.write(workspace.channels.platform.id, '/clone-app hoody copy name=contested')
    await told.waitForView()
    await told.choose('container', 'shop-api', 'shop-api')
    await told.choose('project', 'woolworks-staging', 'staging')
    await told.submit()
    await told.waitForView((view) => view.callback_id === 'notice')
    expect(JSON.stringify(told.topView()?.blocks)).toContain(`/archives/${root.channel}/p${root.ts.replace('.', '')}`)
    while (told.topView()) await told.close()
    await workspace.waitFor(() => isDone(first.thread(root.channel, root.ts)[0]?.text), 15_000)
    expect(copiesOf('contested')).toBe(1)
    expect(world.rows<{ jobs: number }>("select count(*) as jobs from jobs where lock like '%contested%'")).toEqual([
      { jobs: 1 },
    ])
  }, 40_000)

  it('a form that Slack does not redraw at once loses no choice', async () => {
    const { workspace } = world
    const ann = workspace.as(workspace.people.ann.id)
    await ann.write(workspace.channels.platform.id, '/clone-app hoody copy')
    await ann.waitForView()
    workspace.setSwitch('fail-view', true)
    await ann.choose('container', 'shop-api', 'shop-api')
    const form = await ann.waitForView(
      (view) => !JSON.stringify(view.blocks).includes('Choose Container first'),
      10_000,
    )
    expect(form.callback_id).toBe('operation_form')
    expect(JSON.stringify(await ann.options('snapshot'))).not.toContain('Choose Container first')
    await ann.close()
  }, 40_000)

  it('help whose way back fails once is shown once, and nothing is said to be broken', async () => {
    const { workspace } = world
    const ann = workspace.as(workspace.people.ann.id)
    workspace.setSwitch('fail-response', true)
    await ann.write(workspace.channels.platform.id, '/clone-app help hoody')
    await ann.waitForMessage(({ text }) => text.includes('Dolly clones apps'), 10_000)
    const words = ann
      .snapshot()
      .messages.filter(({ isEphemeral }) => isEphemeral)
      .map(({ text }) => text)
    expect(words.filter((text) => text.includes('Dolly clones apps'))).toHaveLength(1)
    expect(words.join()).not.toContain('Something broke')
    expect(workspace.switches().some(({ on }) => on)).toBe(false)
  }, 40_000)
})

describe.concurrent('without lists', () => {
  for (const [name, id, sentence] of [
    ['down', 'down', /can't load the list right now \(503\)\. Type the name or ID\. It's looked up/],
    ['without permission for the lists', 'no-permission', /refused the list \(403\).* Type the ID for now/],
  ] as const) {
    it(`with the provider ${name} the form still opens, says why and takes a typed id`, async () => {
      const world = await startWorld('http', { cloneMs: 300 })
      try {
        const { workspace, hoody } = world
        const first = await world.start()
        const ann = workspace.as(workspace.people.ann.id)
        const ids = { ...(await readIds(world)), name: `typed-${id}` }
        // A new process has forgotten the lists that were just read.
        await first.kill('SIGTERM')
        await world.start()
        hoody.setSwitch(id, true)
        await ann.write(workspace.channels.platform.id, '/clone-app hoody copy')
        const form = await ann.waitForView((view) => /Type the (name or )?ID/.test(JSON.stringify(view.blocks)), 10_000)
        expect(JSON.stringify(form.blocks)).toMatch(sentence)
        expect(await ann.submit({ ...ids, container: 'not-an-id' })).toEqual({
          container: expect.stringMatching(/^hoody .* \((503|403)\).* Names can't be looked up, so type the ID\.$/),
        })
        hoody.setSwitch(id, false)
        expect(await ann.submit(ids)).toEqual({})
        await ann.waitForView((view) => view.callback_id === 'operation_preview')
        expect(await ann.submit()).toEqual({})
        const root = await ann.waitForMessage(({ text }) => text.includes(`typed-${id}`))
        await workspace.waitFor(() => isDone(ann.thread(root.channel, root.ts)[0]?.text), 15_000)
        // A whole id beside its project's would be a key to the container.
        expect(root.text).not.toContain(ids.container)
      } finally {
        await world.close()
      }
    })
  }
})

describe.concurrent('a job whose outcome is unknown', () => {
  it('asks the person who wants it, and takes no answer from others', async () => {
    const world = await startWorld('http', { cloneMs: 60_000 })
    try {
      const { workspace, hoody } = world
      const { ann, bo, root } = await askRiddle(world)
      expect(JSON.stringify(ann.thread(root.channel, root.ts)[0]?.blocks)).toMatch(/Check again.*Start over.*Dismiss/)

      await bo.click(root, 'job:dismiss')
      await bo.waitForMessage(({ text, isEphemeral }) => isEphemeral && text.includes("You can't stop watching job"))
      expect(world.rows('select state from jobs')).toEqual([{ state: 'uncertain' }])

      await ann.click(root, 'job:check_again')
      await ann.waitForMessage(({ text }) => text.includes('Found it'), 15_000)
      expect(hoody.writes().filter(({ path }) => path.endsWith('/copy'))).toHaveLength(1)
      expect(world.rows('select state from jobs')).toEqual([{ state: 'working' }])
      await workspace.waitFor(
        () => ann.thread(root.channel, root.ts)[0]?.text.includes('Copying the container on Hoody'),
        15_000,
      )
    } finally {
      await world.close()
    }
  })

  it('is dismissed once, and says so to a second click', async () => {
    const world = await startWorld('http', { cloneMs: 60_000 })
    try {
      const { ann, root } = await askRiddle(world)
      await Promise.all([ann.click(root, 'job:dismiss'), ann.click(root, 'job:dismiss')])
      await ann.waitForMessage(({ text, isEphemeral }) => isEphemeral && text.includes("That's not possible any more"))
      await ann.waitForMessage(({ text }) => text.includes('riddle was cancelled'), 15_000)
      expect(world.rows('select state from jobs')).toEqual([{ state: 'cancelled' }])
    } finally {
      await world.close()
    }
  })
})

/** Ids of a container and a project, read from the lists while they work. */
async function readIds({ workspace }: World): Promise<{ container: string; project: string }> {
  const ann = workspace.as(workspace.people.ann.id)
  await ann.write(workspace.channels.platform.id, '/clone-app hoody copy')
  await ann.waitForView()
  const [container] = await ann.options('container', 'shop-api')
  const [project] = await ann.options('project', 'staging')
  await ann.close()
  return { container: container?.value ?? '', project: project?.value ?? '' }
}
