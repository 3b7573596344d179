/** Names in a form that is sent while its lists are late, or not to be had. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { resolveNames } from '../../../src/commands/clone/resolve-names.js'
import { PickerLists } from '../../../src/commands/picker-lists.js'
import { TemporaryError } from '../../../src/errors.js'
import { defineOperation, type Operation, type Option, type Picker } from '../../../src/providers/provider.js'
import { readAnswers } from '../../../src/slack/form/answers.js'
import { silentLog } from '../../helpers/context.js'
import { dummyConnection, dummyWorld } from '../../helpers/dummy-provider.js'

const id = z.string().regex(/^[0-9a-f]{4}$/, 'Choose from the list, or paste an id.')
const operation: Operation = defineOperation({
  title: 'Clone an app',
  fields: z.object({
    app: id.meta({ title: 'App', picker: 'apps' }),
    addons: z
      .array(id)
      .default([])
      .meta({ title: 'Add-ons', picker: 'addons', dependsOn: ['app'] }),
  }),
  ref: z.object({ id: z.string() }),
  lock: () => '',
  summary: () => ({ from: '', to: '' }),
  preview: () => ({ copied: '', notCopied: '' }),
  copiesData: true,
  deadlineMs: 1,
  steps: [{ id: 'copy', title: 'Clone', doing: 'Cloning', run: async () => ({ id: '' }), check: async () => [] }],
})
const shop = { value: 'ab01', label: 'shop-api' }
const cache = { value: 'cd02', label: 'cache' }

/** A form with two typed entries, and a clock on which each look takes as long as Slack waits. */
function formOf(apps: Picker, addons: Picker = async () => [cache]) {
  const connection = dummyConnection(dummyWorld())
  const provider = { ...connection.provider, pickers: { apps, addons } }
  let elapsed = 0
  const services = { lists: new PickerLists(() => 0, silentLog), elapsed: () => (elapsed += 1_500) }
  return async (app: string, addon: string, mustVerifyLabels = false) => {
    const given = readAnswers(operation, {
      app: { a: { type: 'plain_text_input', value: app } },
      addons: { a: { type: 'plain_text_input', value: addon } },
    })
    const { answers, ...rest } = await resolveNames(
      services,
      { connection: { ...connection, provider }, operation },
      given,
      mustVerifyLabels,
    )
    return { ...rest, values: answers.values }
  }
}
const slow = 'dummy-one is slow to answer. Press Next again.'
const inTime = async () => await new Promise((resolve) => setImmediate(resolve))

describe('a name that is sent while its list is late', () => {
  it('is no id: the form stays, and goes on as soon as the list is there', async () => {
    let arrive: (options: Option[]) => void = () => {}
    const send = formOf(() => new Promise((resolve) => (arrive = resolve)))
    expect((await send('shop-api', 'cache')).unknown).toEqual({ app: slow, addons: slow })
    arrive([shop])
    await inTime()
    // By now the first list is known, and the second is on its way.
    await send('shop-api', 'cache')
    await inTime()
    expect(await send('shop-api', 'cache')).toEqual({
      unknown: {},
      unread: null,
      values: { app: 'ab01', addons: ['cd02'] },
    })
  })

  it('keeps no typed id waiting', async () => {
    const send = formOf(() => new Promise(() => {}))
    expect(await send('ab01', '')).toMatchObject({ unknown: {}, unread: null, values: { app: 'ab01' } })
    // Under another name than its id a rule may forbid it.
    expect((await send('ab01', '', true)).unread).toEqual({ field: 'app', reason: slow })
  })
})

describe('a name that is sent while there is no list', () => {
  it('says that it cannot be looked up, and not to choose from a list; an id passes', async () => {
    const send = formOf(
      async () => [shop],
      async () => {
        throw new TemporaryError('dummy-one answered 503 to GET /addons.', { mayHaveHappened: false, status: 503 })
      },
    )
    await send('shop-api', 'cache')
    await inTime()
    expect((await send('shop-api', 'cache')).unknown).toEqual({
      addons: "dummy-one can't load the list right now (503). Names can't be looked up, so type the ID.",
    })
    expect(await send('shop-api', 'cd02')).toMatchObject({ unknown: {}, values: { app: 'ab01', addons: ['cd02'] } })
  })
})

describe('a label that came back with a choice', () => {
  const labs = { value: 'ef03', label: 'R&D <labs>' }
  const literal = { value: 'ef04', label: 'R&amp;D' }
  const chosen = (value: string, text: string) => ({ selected_option: { value, text: { type: 'plain_text', text } } })

  /** Sends a choice with these words on it, while the list is there, away or late. */
  async function labelled(value: string, text: string, apps: Picker, mustVerifyLabels = false) {
    const connection = dummyConnection(dummyWorld())
    const provider = { ...connection.provider, pickers: { apps, addons: async () => [cache] } }
    const lists = new PickerLists(() => 0, silentLog)
    const given = readAnswers(operation, { app: { a: { type: 'external_select', ...chosen(value, text) } } })
    const target = { connection: { ...connection, provider }, operation }
    const found = await resolveNames({ lists, elapsed: () => 0 }, target, given, mustVerifyLabels, 50)
    return { ...found.unknown, named: found.answers.named.app, value: found.answers.values.app }
  }
  const there: Picker = async () => [shop, labs, literal]
  const away: Picker = async () => {
    throw new TemporaryError('dummy-one answered 503.', { mayHaveHappened: false, status: 503 })
  }
  const late: Picker = () => new Promise(() => {})

  it('is not used: the list has its own', async () => {
    expect(await labelled('ab01', 'something harmless', there)).toEqual({ named: 'shop-api', value: 'ab01' })
    expect(await labelled('ef03', 'R&amp;D &lt;labs&gt;', there)).toEqual({ named: 'R&D <labs>', value: 'ef03' })
    expect(await labelled('ef04', 'R&amp;amp;D', there)).toEqual({ named: 'R&amp;D', value: 'ef04' })
    // Whether Slack escaped it or not.
    expect(await labelled('ef04', 'R&amp;D', there)).toEqual({ named: 'R&amp;D', value: 'ef04' })
  })

  it.each([
    ['away', away],
    ['late', late],
  ])('is unescaped once where the list is %s', async (_, apps) => {
    expect(await labelled('ef03', 'R&amp;D &lt;labs&gt;', apps)).toEqual({ named: 'R&D <labs>', value: 'ef03' })
    expect(await labelled('ef04', 'R&amp;amp;D', apps)).toEqual({ named: 'R&amp;D', value: 'ef04' })
    expect(await labelled('ef04', 'R&amp;amp;D', apps, true)).toMatchObject({ named: 'ef04' })
  })

  it('does not help an entry that is gone', async () => {
    expect(await labelled('dead', 'shop-api', there)).toMatchObject({ app: '"shop-api" is no longer on the list.' })
  })

  it('is typed text where it is its own value, escaped or cut by Slack as it may be', async () => {
    expect(await labelled('R&D <labs>', 'R&amp;D &lt;labs&gt;', there)).toMatchObject({ value: 'ef03' })
    const long = { value: 'ab77', label: 'x'.repeat(100) }
    expect(await labelled(long.label, `${'x'.repeat(74)}…`, async () => [long])).toMatchObject({ value: 'ab77' })
  })
})

describe('several names in a text box', () => {
  const addons: Option[] = [
    { value: 'cd02', label: 'Shop Web' },
    { value: 'cd03', label: 'Shop DB' },
  ]
  const send = formOf(
    async () => [shop],
    async () => addons,
  )

  it.each([
    'Shop Web,Shop DB',
    'shop web; shop db',
    'Shop Web，Shop DB',
    '"Shop Web", „Shop DB“',
    'cd02 cd03',
    'cd02\ncd03',
  ])('are read as those of a command: %j', async (text) => {
    await send('shop-api', text)
    await inTime()
    expect(await send('shop-api', text)).toMatchObject({ unknown: {}, values: { addons: ['cd02', 'cd03'] } })
  })
})
