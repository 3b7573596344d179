import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askForCopy, type Mode, startWorld, type World } from '../helpers/world.js'

for (const mode of ['http', 'socket'] satisfies Mode[]) {
  describe(`the Home tab, over ${mode}`, () => {
    let world: World
    beforeAll(async () => {
      world = await startWorld(mode)
      await world.start()
    }, 30_000)
    afterAll(async () => await world.close())

    it('is filled when it is opened, begins a clone, and shows what became of it', async () => {
      const { workspace } = world
      const ann = workspace.as(workspace.people.ann.id)
      const shows = (words: RegExp) => (home: { blocks: readonly unknown[] }) => words.test(JSON.stringify(home.blocks))
      await ann.openHome()
      await ann.waitForHome(shows(/Clone an app.*Your jobs will show up here/))
      await ann.pressHome('home:clone')
      await ann.waitForView((view) => view.callback_id === 'operation_choice')
      await askForCopy(world, 'shop-api-pr-77')
      await ann.waitForHome(shows(/Recent.*shop-api-pr-77 is running/), 30_000)
      expect(ann.home()).not.toBeNull()
    })
  })
}
