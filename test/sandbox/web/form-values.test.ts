import { describe, expect, it } from 'vitest'
import { problems, REQUIRED_SENTENCE, reconcile, withValue } from '../../../sandbox/web/blocks/form-values.js'
import type { Block, ElementState, InputElement } from '../../../sandbox/web/blocks/types.js'

const channel = 'C1'
const plain = (text: string) => ({ type: 'plain_text' as const, text })
const option = (value: string) => ({ text: plain(value.toUpperCase()), value })
const input = (block_id: string, element: InputElement, more: Partial<Block> = {}): Block => ({
  type: 'input',
  block_id,
  label: plain(block_id),
  element,
  ...more,
})
const name = (more: object = {}) => input('name', { type: 'plain_text_input', action_id: 'a', ...more })

describe('values of a view', () => {
  it('keep people, channels and dates as ids and as Slack writes them', () => {
    const blocks = [
      input('who', { type: 'users_select', action_id: 'a', initial_user: 'U1' }),
      input('all', { type: 'multi_users_select', action_id: 'a' }),
      input('where', { type: 'channels_select', action_id: 'a' }),
      input('day', { type: 'datepicker', action_id: 'a', initial_date: '2026-12-24' }),
      input('at', { type: 'timepicker', action_id: 'a' }),
      input('when', { type: 'datetimepicker', action_id: 'a', initial_date_time: 1_796_025_600 }),
      input('mail', { type: 'email_text_input', action_id: 'a' }),
    ]
    const values = reconcile(blocks, {}, channel)
    expect(values).toEqual({
      who: { a: { type: 'users_select', selected_user: 'U1' } },
      all: { a: { type: 'multi_users_select', selected_users: [] } },
      where: { a: { type: 'channels_select', selected_channel: null } },
      day: { a: { type: 'datepicker', selected_date: '2026-12-24' } },
      at: { a: { type: 'timepicker', selected_time: null } },
      when: { a: { type: 'datetimepicker', selected_date_time: 1_796_025_600 } },
      mail: { a: { type: 'email_text_input', value: null } },
    })
    expect(Object.keys(problems(blocks, values))).toEqual(['all', 'where', 'at', 'mail'])
  })

  it('start with the elements’ initial values, in the shapes of view.state.values', () => {
    const blocks = [
      name({ initial_value: 'shop' }),
      input('count', { type: 'number_input', action_id: 'a', is_decimal_allowed: false }),
      input('region', { type: 'static_select', action_id: 'a', initial_option: option('fra') }),
      input('app', { type: 'external_select', action_id: 'a' }),
      input('tags', { type: 'multi_static_select', action_id: 'a', initial_options: [option('x')] }),
      input('start', { type: 'checkboxes', action_id: 'a', options: [option('yes')] }),
      input('tell', { type: 'conversations_select', action_id: 'a', default_to_current_conversation: true }),
      { type: 'divider', block_id: 'd' },
    ]
    const text = (value: string) => ({ text: { type: 'plain_text', text: value.toUpperCase(), emoji: true }, value })
    expect(reconcile(blocks, {}, channel)).toEqual({
      name: { a: { type: 'plain_text_input', value: 'shop' } },
      count: { a: { type: 'number_input', value: null } },
      region: { a: { type: 'static_select', selected_option: text('fra') } },
      app: { a: { type: 'external_select', selected_option: null } },
      tags: { a: { type: 'multi_static_select', selected_options: [text('x')] } },
      start: { a: { type: 'checkboxes', selected_options: [] } },
      tell: { a: { type: 'conversations_select', selected_conversation: channel } },
    })
  })

  it('prefer a named conversation over the current one', () => {
    const select = { type: 'conversations_select' as const, action_id: 'a' }
    const block = input('tell', { ...select, initial_conversation: 'C2', default_to_current_conversation: true })
    expect(reconcile([block], {}, channel).tell?.a).toMatchObject({ selected_conversation: 'C2' })
  })

  it('survive an update with the same ids, even with a new initial value', () => {
    const typed: ElementState = { type: 'plain_text_input', value: 'typed' }
    const before = withValue(reconcile([name()], {}, channel), 'name', 'a', typed)
    expect(reconcile([name({ initial_value: 'other' })], before, channel).name).toEqual({ a: typed })
  })

  it('start over under a new action id, and drop the old one', () => {
    const before = withValue({}, 'name', 'a', { type: 'plain_text_input', value: 'typed' })
    const after = reconcile([name({ action_id: 'b', initial_value: 'new' })], before, channel)
    expect(after).toEqual({ name: { b: { type: 'plain_text_input', value: 'new' } } })
    expect(reconcile([name()], after, channel).name?.a).toMatchObject({ value: null })
  })
})

describe('problems before sending', () => {
  const found = (block: Block, state: ElementState) => problems([block], withValue({}, block.block_id, 'a', state))

  it('are required answers that are missing or blank', () => {
    expect(found(name(), { type: 'plain_text_input', value: null })).toEqual({ name: REQUIRED_SENTENCE })
    expect(found(name(), { type: 'plain_text_input', value: '  ' })).toEqual({ name: REQUIRED_SENTENCE })
    const many = input('tags', { type: 'multi_static_select', action_id: 'a' })
    expect(found(many, { type: 'multi_static_select', selected_options: [] })).toEqual({ tags: REQUIRED_SENTENCE })
  })

  it('are not optional answers that are missing', () => {
    expect(found({ ...name(), optional: true }, { type: 'plain_text_input', value: null })).toEqual({})
  })

  it('are numbers that are missing, malformed or out of bounds', () => {
    const count = input('count', {
      type: 'number_input',
      action_id: 'a',
      is_decimal_allowed: false,
      min_value: '1',
      max_value: '9',
    })
    const said = (value: string) => found(count, { type: 'number_input', value }).count
    expect(said('many')).toBe('Enter a number.')
    expect(said('1.5')).toBe('Enter a whole number.')
    expect(said('0')).toBe('Enter at least 1.')
    expect(said('10')).toBe('Enter at most 9.')
    expect(said('9')).toBeUndefined()
  })
})
