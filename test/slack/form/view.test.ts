import type { InputBlock } from '@slack/types'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PickerLists } from '../../../src/commands/picker-lists.js'
import { cloudFoundry, hoody } from '../../../src/providers/index.js'
import { defineOperation, type Named, type Operation, type Provider, yesNo } from '../../../src/providers/provider.js'
import { errorsOfBlocks, fieldErrors, readAnswers } from '../../../src/slack/form/answers.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { lastPageView } from '../../../src/slack/form/last-page.js'
import { searchOptions } from '../../../src/slack/form/options.js'
import type { FormState } from '../../../src/slack/form/state.js'
import { assertDrawable, choiceView, formView as drawForm, typeInstead } from '../../../src/slack/form/view.js'
import { silentLog } from '../../helpers/context.js'
import { expectCpuBelow } from '../../helpers/cpu.js'
import { dummyConnection, dummyWorld } from '../../helpers/dummy-provider.js'

const id = z.string().regex(/^[0-9a-f]{4}$/, 'Use an id of four hexadecimal digits.')

const operation: Operation = defineOperation({
  title: 'Copy a container',
  fields: z.object({
    container: id.meta({ title: 'Container', picker: 'containers' }),
    snapshot: id.optional().meta({ title: 'Snapshot', picker: 'snapshots', dependsOn: ['container'] }),
    name: z.string().min(3, 'Use at least three letters.').max(40).meta({ title: 'Name', description: 'Unique.' }),
    size: z
      .enum(['small', 'large'])
      .default('small')
      .meta({ title: 'Size', valueTitles: { small: 'Small one' } }),
    instances: z.int().default(1).meta({ title: 'Instances' }),
    firewall: z.boolean().default(false).meta({ title: 'Firewall rules' }),
    key: z.string().optional().meta({ title: 'Key', multiline: true }),
    tags: z.array(z.string()).default([]).meta({ title: 'Tags', picker: 'tags' }),
  }),
  ref: z.object({ id: z.string() }),
  lock: (params) => params.name,
  summary: () => ({ from: '', to: '' }),
  preview: () => ({ copied: '', notCopied: '' }),
  copiesData: true,
  deadlineMs: 1,
  steps: [{ id: 'copy', title: 'Copy', doing: 'Copying', run: async () => ({ id: '' }), check: async () => [] }],
})

const state: FormState = {
  connection: 'hoody-prod',
  operation: 'copy',
  values: {},
  labels: {},
  remarks: {},
  typed: {},
  suggested: {},
  notes: {},
  opening: '',
  channel: 'C1',
}

const formView = (one: Operation, of: FormState) => drawForm(one, of, 'Hoody')

function inputs(form: ReturnType<typeof formView>): InputBlock[] {
  return form.blocks.filter((block): block is InputBlock => block.type === 'input')
}

function element(form: ReturnType<typeof formView>, block: string): InputBlock {
  const input = inputs(form).find((candidate) => candidate.block_id === block)
  if (!input) throw new Error(`No input ${block}.`)
  return input
}

function actionId(form: ReturnType<typeof formView>, block: string): string | undefined {
  const { element: drawn } = element(form, block)
  return 'action_id' in drawn ? drawn.action_id : ''
}

describe('a form', () => {
  it('draws each kind of field as its own element, in the declared order, with the conversation last', () => {
    const form = formView(operation, { ...state, choosableChannels: 'all' })
    expect(inputs(form).map((block) => [block.block_id, block.element.type])).toEqual([
      ['container', 'external_select'],
      ['snapshot', 'external_select'],
      ['name', 'plain_text_input'],
      ['size', 'static_select'],
      ['instances', 'number_input'],
      ['firewall', 'checkboxes'],
      ['key', 'plain_text_input'],
      ['tags', 'multi_external_select'],
      ['_channel', 'conversations_select'],
      ['_mention', 'checkboxes'],
    ])
    expect(element(form, 'name')).toMatchObject({
      optional: false,
      hint: { text: 'Unique.' },
      element: { max_length: 40 },
    })
    expect(element(form, 'snapshot').optional).toBe(true)
    expect(element(form, 'size').element).toMatchObject({ initial_option: { text: { text: 'Small one' } } })
    expect(element(form, '_channel').element).toMatchObject({ initial_conversation: 'C1' })
  })

  it('offers any channel only where Slack can say whether somebody is in it', () => {
    const place = (choosableChannels?: FormState['choosableChannels']) =>
      element(formView(operation, choosableChannels ? { ...state, choosableChannels } : state), '_channel')
    expect(place('all').element).not.toHaveProperty('filter')
    expect(place('inside').element).toMatchObject({
      type: 'conversations_select',
      filter: { exclude_external_shared_channels: true },
    })
    for (const two of [place('none'), place()]) {
      expect(two.element).toMatchObject({
        type: 'static_select',
        initial_option: { value: 'here' },
        options: [{ value: 'here' }, { value: 'mine' }],
      })
      expect(two.hint?.text).toContain('your direct messages')
    }
  })

  it('says on each of its pages which connection it is for, and at which provider', () => {
    const on = { type: 'context', elements: [{ type: 'mrkdwn', verbatim: true, text: 'on *cf-prod* (Cloud Foundry)' }] }
    const form = drawForm(operation, { ...state, connection: 'cf-prod' }, 'Cloud Foundry')
    expect(form.blocks[0]).toEqual(on)
    const connection = { name: 'cf-prod', provider: { name: 'Cloud Foundry' } }
    const preview = lastPageView({ connection, operation }, {}, {}, 'draft', { isChecked: true, warnings: [] })
    expect(preview.blocks[1]).toEqual(on)
  })

  it('asks Slack to report a choice that another list depends on, and empties that list', () => {
    const before = formView(operation, state)
    const after = formView(operation, { ...state, values: { container: 'abcd' } })
    expect(element(before, 'container').dispatch_action).toBe(true)
    expect(element(before, 'name').dispatch_action).toBeUndefined()
    expect(actionId(after, 'snapshot')).not.toBe(actionId(before, 'snapshot'))
    expect(actionId(after, 'name')).toBe(actionId(before, 'name'))
  })

  it('takes a typed id where the list cannot be had, and says why', () => {
    const hint = (why: { reason: string; isTransient: boolean }) => {
      const form = formView(operation, { ...state, typed: { container: typeInstead(why) } })
      expect(element(form, 'container').element).toMatchObject({ type: 'plain_text_input' })
      return element(form, 'container').hint?.text
    }
    expect(hint({ reason: 'hoody-prod refused the list.', isTransient: false })).toBe(
      'hoody-prod refused the list. Type the ID for now.',
    )
    // A name is of use only if the list may be there by then, and the advice is never what is cut.
    expect(hint({ reason: 'Away. '.repeat(100), isTransient: true })).toMatch(
      /^Away\..*… Type the name or ID\. It's looked up when you press Next\.$/,
    )
  })

  it('says which field a list waits for, by its title', () => {
    const placeholder = { text: 'Choose Container first' }
    expect(element(formView(operation, state), 'snapshot').element).toMatchObject({ placeholder })
  })

  it('shows the entry for a typed name, and an empty field where there is none', () => {
    const before = formView(operation, { ...state, values: { container: 'shop' } })
    const labels = { container: 'shop-api' }
    const found = formView(operation, { ...state, values: { container: 'abcd' }, labels, remarks: { container: '' } })
    const initial_option = { text: { text: 'shop-api' }, value: 'abcd' }
    expect(element(found, 'container')).toMatchObject({ element: { initial_option } })
    expect(actionId(found, 'container')).not.toBe(actionId(before, 'container'))

    const remarks = { container: `"shop" isn't on the list.` }
    const lost = formView(operation, { ...state, values: { container: '' }, labels: { container: '' }, remarks })
    expect(element(lost, 'container')).toMatchObject({ hint: { text: remarks.container } })
    expect(element(lost, 'container').element).not.toHaveProperty('initial_option')
  })

  it('is filled in with several entries of a list, by their labels where these are known', () => {
    const typed = formView(operation, { ...state, values: { tags: 'one, two' } })
    expect(element(typed, 'tags').element).toMatchObject({ initial_options: [{ value: 'one' }, { value: 'two' }] })
    const found = formView(operation, { ...state, values: { tags: '1,2' }, labels: { tags: 'One, and more\nTwo' } })
    expect(element(found, 'tags').element).toMatchObject({
      initial_options: [
        { value: '1', text: { text: 'One, and more' } },
        { value: '2', text: { text: 'Two' } },
      ],
    })
    expect(element(formView(operation, state), 'tags').element).not.toHaveProperty('initial_options')
  })

  it('is filled in with what the command said', () => {
    const values = { container: 'shop-api', name: 'shop-copy', firewall: 'yes', size: 'large' }
    const form = formView(operation, { ...state, values })
    expect(element(form, 'container').element).toMatchObject({ initial_option: { value: 'shop-api' } })
    expect(element(form, 'name').element).toMatchObject({ initial_value: 'shop-copy' })
    expect(element(form, 'firewall').element).toMatchObject({ initial_options: [{ value: 'firewall' }] })
    expect(element(form, 'size').element).toMatchObject({ initial_option: { value: 'large' } })
  })

  it('draws neighbouring questions of yes or no as the checkboxes of one block, each named by what it does', () => {
    const firewall = yesNo('Copy firewall rules', 'All of them.')
    const two = { ...operation, fields: z.object({ firewall, start: yesNo('Start it', 'At once.', true) }) }
    const form = formView(two, state)
    expect(inputs(form).map(({ block_id }) => block_id)).toEqual(['firewall', '_channel', '_mention'])
    expect(element(form, 'firewall').element).toMatchObject({
      options: [
        { value: 'firewall' },
        { value: 'start', text: { text: 'Start it' }, description: { text: 'At once.' } },
      ],
      initial_options: [{ value: 'start' }],
    })
    const ticked = { a: { type: 'checkboxes', selected_options: [{ value: 'start', text: { text: 'Start it' } }] } }
    expect(readAnswers(two, { firewall: ticked }).values).toEqual({ firewall: false, start: true })
    const errors = errorsOfBlocks(two, { start: 'It runs already.', other: 'No.' })
    expect(errors).toEqual({ firewall: 'Start it: It runs already.', other: 'No.' })
  })

  it('suggests a name beside its field, under the same ids, so that Slack keeps what somebody is typing there', () => {
    const { copy } = hoody.operations
    if (!copy) throw new Error('Hoody lost its operation.')
    const before = formView(copy, state)
    const after = formView(copy, { ...state, suggested: { name: 'shop-1' } })
    expect(actionId(after, 'name')).toBe(actionId(before, 'name'))
    expect(element(after, 'name')).toMatchObject({
      optional: true,
      hint: { text: 'Must be unused in the project. Leave it empty for shop-1.' },
      element: { placeholder: { text: 'shop-1' } },
    })
    expect(element(after, 'name').element).not.toHaveProperty('initial_value')
  })

  it('says in the hint below a field why its list is empty', () => {
    const form = formView(operation, { ...state, notes: { snapshot: 'Choose Container first' } })
    expect(element(form, 'snapshot').hint?.text).toBe('Choose Container first')
  })

  it('cuts a vendor text to size, by whole characters', () => {
    const [option] = searchOptions([{ value: 'a', label: '👩‍👩‍👧'.repeat(40) }], '')
    expect(option?.text.text.length).toBeLessThanOrEqual(75)
    expect(option?.text.text).toMatch(/^(👩‍👩‍👧)+…$/u)
  })

  it('throws on a text of ours that does not fit, before a person sees half of it', () => {
    const long = { ...operation, title: 'A title that is far longer than Slack takes' }
    expect(() => formView(long, state)).toThrow(/has 43 characters; Slack takes 24 here/)
  })

  it('refuses at boot what no modal can ask for, naming provider, operation and field', () => {
    const { provider } = dummyConnection(dummyWorld())
    const { clone } = provider.operations
    if (!clone) throw new Error('The dummy lost its operation.')
    const broken = (fields: z.ZodObject) => ({ ...provider, operations: { clone: { ...clone, fields } } })
    const dates = z.object({ when: z.object({}).meta({ title: 'When' }) })
    expect(() => assertDrawable(broken(dates))).toThrow('Dummy, operation "clone": Field "when" is of a kind')
    const untitled = z.object({ name: z.string() })
    expect(() => assertDrawable(broken(untitled))).toThrow('Field "name" needs .meta({ title })')
    const lost = z.object({ name: z.string().meta({ title: 'Name', picker: 'nothing' }) })
    expect(() => assertDrawable(broken(lost))).toThrow('There is no picker "nothing"')
    expect(() => assertDrawable(provider)).not.toThrow()
  })
})

describe('page 3', () => {
  const previewOf = ({ operations }: Provider, id: string, named: Named) => {
    const drawn = operations[id]
    if (!drawn) throw new Error(`There is no operation ${id}.`)
    const connection = { name: 'one', provider: { name: 'One' } }
    return lastPageView({ connection, operation: drawn }, {}, named, 'draft', { isChecked: true, warnings: [] })
  }

  const overwriting: [string, Provider, Named, string, string][] = [
    ['sync', hoody, { container: 'shop-copy' }, 'Everything changed in shop-copy', 'Overwrite shop-copy'],
    ['copy-bits', cloudFoundry, { app: 'shop', target: 'till' }, 'The code of till is overwritten', 'Overwrite till'],
  ]
  it.each(overwriting)('says before %s what it overwrites, also on its button', (id, provider, named, lost, button) => {
    const { blocks, submit } = previewOf(provider, id, named)
    expect(JSON.stringify(blocks)).toMatch(new RegExp(`This overwrites (shop-copy|till)\\*\\\\n${lost}`))
    expect(submit?.text).toBe(button)
  })

  it('says only "Overwrite" where the button has no room for the name', () => {
    const { submit } = previewOf(hoody, 'sync', { container: 'a-very-long-name-of-a-copy in staging' })
    expect(submit?.text).toBe('Overwrite')
  })

  it('does not warn of a copy, so that a warning is read', () => {
    const { blocks, submit } = previewOf(hoody, 'copy', { container: 'shop', name: 'shop-2' })
    expect(JSON.stringify(blocks)).not.toContain('⚠️')
    expect(submit?.text).toBe('Copy a container')
  })
})

describe('page 1', () => {
  it('groups what can be done by connection', () => {
    const operations = [{ id: 'copy', title: 'Copy a container' }]
    const view = choiceView([{ connection: 'hoody-prod', provider: 'Hoody', operations }], {
      channel: 'C1',
      opening: 'k',
      values: {},
    })
    expect(view.blocks[0]).toMatchObject({
      element: { option_groups: [{ label: { text: 'hoody-prod · Hoody' }, options: [{ value: 'hoody-prod/copy' }] }] },
    })
  })

  it('names the connection in each entry, for a closed list shows no group', () => {
    const operations = [{ id: 'clone', title: 'Clone an environment' }]
    // The longest name that a connection can have.
    for (const connection of ['cf-prod', 'cf-'.padEnd(40, 'x')]) {
      const groups = [{ connection, provider: 'Qovery', operations }]
      const { blocks } = choiceView(groups, { channel: 'C1', opening: 'k', values: {} })
      expect(JSON.stringify(blocks)).toContain(`"Clone an environment on ${connection}"`)
    }
  })
})

describe('a list', () => {
  const options = Array.from({ length: 250 }, (_, at) => ({
    value: `id${at}`,
    label: `shop ${at}`,
    description: 'frankfurt',
  }))

  it('is searched by every word and cut to a hundred', () => {
    expect(searchOptions(options, '')).toHaveLength(100)
    expect(searchOptions(options, 'frank 249').map(({ value }) => value)).toEqual(['id249'])
    expect(searchOptions(options, 'berlin')).toEqual([])
  })

  it('is searched as people see it', () => {
    const cafes = [{ value: 'a', label: 'Fore\u0302t-Cafe\u0301', description: 'ＦＲＡＮＫ\u00adＦＵＲＴ' }]
    for (const query of ['forêt', 'FORÊT café', 'frankfurt', '\u200bcafé', '']) {
      expect(searchOptions(cafes, query), query).toHaveLength(1)
    }
    expect(searchOptions(cafes, 'foret')).toEqual([])
  })

  it('of ten thousand entries is searched in a moment, and the words of each are worked out once', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ value: `id${at}`, label: `forêt ${at} (Shop / café)` }))
    const plain = many.map(({ value }) => ({ value, label: `shop ${value} in production`, description: 'docker' }))
    let lists = new PickerLists(() => 0, silentLog)
    const search = (options: typeof many) => expect(searchOptions(options, '9', lists.textOf).length).toBeGreaterThan(0)
    // Five times what it takes.
    for (const options of [many, plain]) {
      await expectCpuBelow(250, () => {
        lists = new PickerLists(() => 0, silentLog)
        search(options)
      })
      await expectCpuBelow(250, () => search(options))
    }
    search(many)
    const [one] = many
    expect(one && lists.textOf(one)).toBe('forêt 0 (shop / café) id0')
  })

  it('shows below a name too long for its line how it goes on, for there stands the place', () => {
    const name = 'x'.repeat(60)
    const [option] = searchOptions(
      [{ value: 'a', label: `${name} in production (woolworks)`, description: 'docker' }],
      '',
    )
    expect(option?.text.text).toBe(`${name} in production…`)
    expect(option?.description?.text).toBe('…(woolworks) · docker')
  })

  it('leaves out a value that Slack could not carry back', () => {
    expect(searchOptions([{ value: 'x'.repeat(151), label: 'long' }], '')).toEqual([])
  })
})

describe('answers', () => {
  const selected = (value: string, text: string) => ({ selected_option: { value, text: { type: 'plain_text', text } } })

  it('are read by field, with the words the person saw', () => {
    const answers = readAnswers(operation, {
      container: { a: { type: 'external_select', ...selected('abcd', 'shop-api') } },
      snapshot: { a: { type: 'external_select', selected_option: null } },
      name: { a: { type: 'plain_text_input', value: '  shop-copy ' } },
      instances: { a: { type: 'number_input', value: '3' } },
      firewall: { a: { type: 'checkboxes', selected_options: [{ value: 'firewall', text: { text: 'Copy it' } }] } },
      key: { a: { type: 'plain_text_input', value: null } },
      tags: { a: { type: 'plain_text_input', value: 'one, two' } },
      _channel: { channel: { type: 'conversations_select', selected_conversation: 'C2' } },
    })
    expect(answers.values).toEqual({
      container: 'abcd',
      name: 'shop-copy',
      instances: 3,
      firewall: true,
      tags: ['one', 'two'],
    })
    expect(answers.named).toMatchObject({ container: 'shop-api', name: 'shop-copy', firewall: 'yes' })
    expect(answers.channel).toBe('C2')
    expect(operation.fields.parse(answers.values)).toMatchObject({ size: 'small' })
  })

  it('name a place by the words of the form or by a conversation, and by nothing else', () => {
    const placeOf = (answer: object) => readAnswers(operation, { _channel: { a: answer } }).channel
    expect(placeOf(selected('here', 'Here'))).toBe('here')
    expect(placeOf(selected('mine', 'Mine'))).toBe('mine')
    expect(placeOf({ selected_conversation: 'G1' })).toBe('G1')
    for (const answer of [{}, selected('C1', 'here'), { value: 'here' }, { selected_conversation: 'here> <!channel' }])
      expect(placeOf(answer)).toBeUndefined()
  })

  it('are called what our own lists call them, whatever label comes back', () => {
    const { values, named } = readAnswers(operation, {
      size: { a: selected('small', 'Large one') },
      name: { a: selected('shop-copy', 'another in staging') },
      instances: { a: selected('3', 'thirty') },
    })
    expect(values).toMatchObject({ size: 'small', name: 'shop-copy', instances: 3 })
    expect(named).toMatchObject({ size: 'Small one', name: 'shop-copy', instances: '3' })
  })

  it('distinguish chosen entries from typed names', () => {
    const tags = { type: 'multi_external_select', selected_options: [{ value: '1', text: { text: 'One' } }] }
    const { picked } = readAnswers(operation, {
      container: { a: selected('shop-api', 'shop-api') },
      tags: { a: tags },
    })
    expect(picked.container).toEqual([{ value: 'shop-api', label: 'shop-api' }])
    expect(picked.tags).toEqual([{ value: '1', label: 'One' }])
  })

  it('are unescaped once where Slack sends a label back', () => {
    const { picked, named } = readAnswers(operation, {
      container: { a: selected('abcd', 'R&amp;D &lt;labs&gt;') },
      snapshot: { a: selected('abce', 'R&amp;amp;D') },
      name: { a: { type: 'plain_text_input', value: '\u200bR&amp;D\u2060 ' } },
    })
    expect(picked).toMatchObject({ container: [{ label: 'R&D <labs>' }], snapshot: [{ label: 'R&amp;D' }] })
    // What people type in a form Slack sends as it is.
    expect(named).toMatchObject({ container: 'R&D <labs>', snapshot: 'R&amp;D', name: 'R&amp;D' })
  })

  it('have several ids of a text box apart where blanks alone part them, and never a name', () => {
    const tagged = {
      ...operation,
      fields: operation.fields.extend({ tags: z.array(id).meta({ title: 'Tags', picker: 'tags' }) }),
    }
    const tags = (value: string) =>
      readAnswers(tagged, { tags: { a: { type: 'plain_text_input', value } } }).values.tags
    expect(tags('abcd  0123\nffff')).toEqual(['abcd', '0123', 'ffff'])
    expect(tags('abcd 0123')).toEqual(['abcd', '0123'])
    expect(tags('Shop Web,Shop DB')).toEqual(['Shop Web', 'Shop DB'])
    expect(tags('Shop Web')).toEqual(['Shop Web'])
    expect(tags('abcd web')).toEqual(['abcd web'])
  })

  it('land their errors on their fields', () => {
    const { error } = operation.fields.safeParse({ container: 'ABCD', name: 'x' })
    if (!error) throw new Error('It should not parse.')
    expect(fieldErrors(error, { container: 'ABCD', name: 'x' })).toEqual({
      container: 'Use an id of four hexadecimal digits.',
      name: 'Use at least three letters.',
    })
  })

  it('know their fields', () => {
    expect(fieldsOf(operation).map(({ key, kind }) => `${key} ${kind}`)).toEqual([
      'container picker',
      'snapshot picker',
      'name text',
      'size choice',
      'instances number',
      'firewall yes-no',
      'key text',
      'tags pickers',
    ])
  })
})
