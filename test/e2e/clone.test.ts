import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askForCopy, isDone, type Mode, startWorld, type World } from '../helpers/world.js'

for (const mode of ['http', 'socket'] satisfies Mode[]) {
  describe(`from /clone-app to a live clone, over ${mode}`, () => {
    let world: World
    beforeAll(async () => {
      world = await startWorld(mode)
      await world.start()
    }, 30_000)
    afterAll(async () => await world.close())

    it('copies a container and then syncs the copy', async () => {
      const { workspace, hoody } = world
      const { platform } = workspace.channels
      const ann = workspace.as(workspace.people.ann.id)

      // Page 1 offers what can be done; its choice becomes page 2.
      await ann.write(platform.id, '/clone-app')
      await ann.waitForView((view) => view.callback_id === 'operation_choice')
      expect(await ann.submit({ choice: 'hoody/copy' })).toEqual({})
      await ann.waitForView((view) => view.callback_id === 'operation_form')

      // Type-ahead, a list that depends on another, and a field error that loses nothing.
      expect(await ann.options('snapshot')).toEqual([])
      expect((await ann.options('container', 'shop')).map(({ text }) => text.text)).toContain('shop-api')
      await ann.choose('container', 'shop-api', 'shop-api')
      await workspace.waitFor(() => ann.topView()?.private_metadata.match(/"container":"[0-9a-f]{24}"/))
      await ann.choose('project', 'woolworks-staging', 'staging')
      expect(await ann.submit({ name: 'no good!' })).toEqual({
        name: 'Use 3 to 100 letters, digits, hyphens or underscores.',
      })
      expect(await ann.submit({ name: 'shop-api-pr-12' })).toEqual({})
      const preview = await ann.waitForView((view) => view.callback_id === 'operation_preview')
      expect(JSON.stringify(preview.blocks)).toMatch(/Copied.*whole disk.*Not copied.*firewall rules/)
      expect(await ann.submit()).toEqual({})
      expect(ann.topView()).toBeUndefined()

      // One thread that tells the truth, from queued to done.
      const root = await ann.waitForMessage((message) => message.isBot && message.text.includes('shop-api-pr-12'))
      expect(root.channel).toBe(platform.id)
      await workspace.waitFor(() => isDone(ann.thread(platform.id, root.ts)[0]?.text), 15_000)
      const thread = ann.thread(platform.id, root.ts)
      expect(thread[0]?.text).toContain(
        'Copy a container: shop-api in woolworks-production → shop-api-pr-12 in woolworks-staging',
      )
      expect(thread[0]?.text).toContain(`<@${ann.id}>`)
      // The root says all there is to say.
      expect(thread).toHaveLength(1)
      expect(hoody.writes().filter(({ path }) => path.endsWith('/copy'))).toHaveLength(1)

      // A sync overwrites, so it asks once more.
      await ann.write(platform.id, '/clone-app hoody sync container=shop-api-pr-12')
      await ann.waitForView((view) => view.callback_id === 'operation_form')
      expect(await ann.submit()).toEqual({})
      const question = await ann.waitForView((view) => view.callback_id === 'operation_preview')
      expect(JSON.stringify(question.blocks)).toContain('Everything changed in shop-api-pr-12')
      expect(await ann.submit()).toEqual({})
      const syncRoot = await ann.waitForMessage(({ text }) => text.includes('Sync a copy: '))
      await workspace.waitFor(() => isDone(ann.thread(platform.id, syncRoot.ts)[0]?.text), 15_000)
      expect(hoody.writes().filter(({ path }) => path.endsWith('/sync'))).toHaveLength(1)
    }, 60_000)

    it('answers help, and an unknown word with the nearest match, to that person only', async () => {
      const { workspace } = world
      const { platform } = workspace.channels
      const bo = workspace.as(workspace.people.bo.id)
      await bo.write(platform.id, '/clone-app help')
      const help = await bo.waitForMessage(({ text }) => text.includes('What you can do here'))
      expect(help.isEphemeral).toBe(true)
      expect(help.text).toContain('`help hoody` for its fields')
      await bo.write(platform.id, '/clone-app hody')
      await bo.waitForMessage(({ text, isEphemeral }) => isEphemeral && text.includes('Did you mean "hoody"?'))
      expect(
        workspace
          .as(workspace.people.ann.id)
          .messages(platform.id)
          .some(({ text }) => text.includes('Did you mean')),
      ).toBe(false)
    })

    it('gives the reason of a failure in the provider’s words and mentions who asked', async () => {
      const { workspace, hoody } = world
      const bo = workspace.as(workspace.people.bo.id)
      hoody.setSwitch('fail-next', true)
      await askForCopy(world, 'doomed-copy', 'bo')
      const failure = await bo.waitForMessage(({ text }) => text.includes('failed after'), 15_000)
      expect(failure.text).toContain(`<@${bo.id}>`)
      expect(failure.text).toContain('disk of the target server is full')
    }, 30_000)

    it('goes on as a direct message where it was not invited, and says how to invite it', async () => {
      const { workspace } = world
      const bo = workspace.as(workspace.people.bo.id)
      await bo.write(workspace.channels.random.id, '/clone-app hoody copy name=uninvited')
      await bo.waitForView()
      await bo.choose('container', 'shop-api', 'shop-api')
      await bo.choose('project', 'woolworks-staging', 'staging')
      expect(await bo.submit()).toEqual({})
      await bo.waitForView((view) => view.callback_id === 'operation_preview')
      expect(await bo.submit()).toEqual({})
      const root = await bo.waitForMessage(({ text }) => text.includes('uninvited'))
      expect(root.channel).toBe(workspace.people.bo.directChannel)
      // #random shows nothing of it, so the form says where to look, and takes itself away for good.
      const said = JSON.stringify((await bo.waitForView(({ title }) => title.text === 'Started')).blocks)
      expect(said).toContain(
        `/archives/${root.channel}/p${root.ts.replace('.', '')}|its thread> is in a direct message`,
      )
      await bo.close()
      expect(bo.topView()).toBeUndefined()
      expect(JSON.stringify(root.blocks)).toContain('/invite @dolly')
      await workspace.waitFor(() => isDone(bo.thread(root.channel, root.ts)[0]?.text), 15_000)
    }, 30_000)
  })
}
