/** What is typed behind /clone-app stands in the form, or its absence is explained. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMiget } from '../../sandbox/providers/miget.js'
import { startQovery } from '../../sandbox/providers/qovery.js'
import type { Actor } from '../../sandbox/slack/person.js'
import type { StateValues, View } from '../../sandbox/slack/protocol.js'
import { startWorld, type World } from '../helpers/world.js'

describe('the form of a command with fields', () => {
  let world: World
  let ann: Actor
  beforeAll(async () => {
    world = await startWorld('http', { others: [startMiget, startQovery] })
    await world.start()
    ann = world.workspace.as(world.workspace.people.ann.id)
  }, 30_000)
  afterAll(async () => await world?.close())

  async function open(text: string, fits: (view: View) => boolean): Promise<View> {
    while (ann.topView()) await ann.close()
    await ann.write(world.workspace.channels.platform.id, `/clone-app ${text}`)
    return await ann.waitForView(fits, 10_000)
  }

  /** Whether the names of this list have become ids. */
  const hasIds = (blockId: string) => /"value":"[0-9a-f]{8}-/.test(JSON.stringify(ann.values()[blockId]))

  it('has several entries of a list that depends on another typed name', async () => {
    await open('miget clone app=shop-api addons=shop-db,shop-cache', () => hasIds('addons'))
    expect(shown(ann.values(), 'app')).toEqual(['shop-api'])
    expect(shown(ann.values(), 'addons')).toEqual(['shop-db', 'shop-cache'])
  })

  it('drops what was found on a list whose parent changes', async () => {
    await open('miget clone app=shop-api addons=shop-db', () => hasIds('addons'))
    await ann.choose('app', 'billing', 'billing')
    await ann.waitForView(() => shown(ann.values(), 'addons').length === 0)
    expect(shown(ann.values(), 'app')).toEqual(['billing'])
  })

  it('takes the name without its place, and shows what it stands for', async () => {
    await open('qovery clone service=invoices', () => shown(ann.values(), 'service')[0] !== 'invoices')
    expect(shown(ann.values(), 'service')).toEqual(['invoices (Shop / production)'])
  })

  it('leaves a list empty where a name fits none or several, and says both at once', async () => {
    const form = await open('qovery clone service=shop-api environment=stagin-g name=x', (view) =>
      JSON.stringify(view).includes("isn't on the list"),
    )
    const hints = JSON.stringify(form.blocks)
    expect(hints).toContain(
      '\\"shop-api\\" matches several: \\"shop-api (Shop / production)\\", \\"shop-api (Shop / st',
    )
    expect(hints).toContain(`\\"stagin-g\\" isn't on the list. Did you mean \\"staging\\"?`)
    expect(shown(ann.values(), 'service')).toEqual([])
    expect(shown(ann.values(), 'environment')).toEqual([])
  })

  it('refuses two wrong names at once when it is sent before they were looked up', async () => {
    // The form is there, but Dolly learns of it late and does not look anything up for it.
    world.workspace.setSwitch('slow', true)
    try {
      await open('hoody copy container=shop-a project=woolworks-stging name=fine', () => true)
      const errors = await ann.submit()
      expect(errors.container).toContain('"shop-a" matches several: "shop-api", "shop-api-staging".')
      expect(errors.project).toContain(`"woolworks-stging" isn't on the list. Did you mean "woolworks-staging"?`)
      expect(JSON.stringify(errors)).not.toMatch(/(type|paste) (an|the) ID/)
    } finally {
      world.workspace.setSwitch('slow', false)
    }
  })

  it('has several names with blanks, in quotation marks of any kind, and fields in any case', async () => {
    await open('miget\u200b clone —App=„shop-api“ ADDONS=‘Shop-DB，shop-cache’', () => hasIds('addons'))
    expect(shown(ann.values(), 'app')).toEqual(['shop-api'])
    expect(shown(ann.values(), 'addons')).toEqual(['shop-db', 'shop-cache'])
  })

  it('keeps what was typed where the provider must still be chosen', async () => {
    await open('clone name=foo-bar', (view) => view.callback_id === 'operation_choice')
    expect((await ann.options('choice')).map(({ value }) => value)).toEqual(['miget/clone', 'qovery/clone'])
    expect(await ann.submit({ choice: 'qovery/clone' })).toEqual({})
    await ann.waitForView((view) => view.callback_id === 'operation_form')
    expect(JSON.stringify(ann.values().name)).toContain('foo-bar')
  })

  it('says below a list what it waits for and that it is empty, and offers nothing to choose', async () => {
    await open('hoody copy name=remarked', () => true)
    const hasHint = (text: string) => () =>
      JSON.stringify(ann.topView()?.blocks).includes(`"hint":{"type":"plain_text","text":"${text}"`)
    expect(await ann.options('snapshot')).toEqual([])
    await world.workspace.waitFor(hasHint('Choose Container first'))
    await ann.choose('container', 'search', 'search')
    await world.workspace.waitFor(() => ann.topView()?.private_metadata.match(/"container":"[0-9a-f]{24}"/))
    expect(hasHint('Choose Container first')()).toBe(false)
    expect(await ann.options('snapshot')).toEqual([])
    await world.workspace.waitFor(hasHint("There's nothing to choose from."))
  })

  it.each([
    ['qovery clone-environment mode=WRONG', `mode can't be "WRONG". Write one of `],
    ['hoody copy network=maybe', `network can't be "maybe". Write yes or no`],
  ])('does not open for %s', async (text, sentence) => {
    while (ann.topView()) await ann.close()
    await ann.write(world.workspace.channels.platform.id, `/clone-app ${text}`)
    await ann.waitForMessage((message) => message.isEphemeral && message.text.includes(sentence))
    expect(ann.topView()).toBeUndefined()
  })
})

/** The labels an input of a list shows as chosen. */
function shown(values: StateValues, blockId: string): string[] {
  const json = JSON.stringify(Object.values(values[blockId] ?? {}))
  return [...json.matchAll(/"text":\{[^}]*"text":"((?:[^"\\]|\\.)*)"/g)].map(([, label = '']) => label)
}
