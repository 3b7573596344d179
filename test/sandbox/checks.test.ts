/** Which blocks and views Slack accepts. */
import { describe, expect, it } from 'vitest'
import { completed, messageProblems, viewProblems } from '../../sandbox/slack/checks.js'
import { button, option, plain, section } from './tiny-bot.js'

describe('the checks', () => {
  const many = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index))
  const actions = (elements: unknown[]) => ({ type: 'actions', elements })
  const select = (more: object) => ({ type: 'static_select', action_id: 'a', options: [option('one')], ...more })
  const asInput = (element: unknown) => ({ type: 'input', block_id: 'b', label: plain('L'), element })
  const modal = (more: object) => ({ type: 'modal', title: plain('T'), blocks: [], ...more })

  it.each<[string, unknown[], boolean]>([
    ['50 blocks', many(50, () => ({ type: 'divider' })), true],
    ['51 blocks', many(51, () => ({ type: 'divider' })), false],
    ['a section of 3000', [section('x'.repeat(3000))], true],
    ['a section of 3001', [section('x'.repeat(3001))], false],
    ['an empty text', [section('')], false],
    ['25 buttons', [actions(many(25, (index) => button(`b${index}`, 'B')))], true],
    ['26 buttons', [actions(many(26, (index) => button(`b${index}`, 'B')))], false],
    ['a button of 76', [actions([button('b', 'x'.repeat(76))])], false],
    ['two buttons with one action id', [actions([button('b', 'B'), button('b', 'B')])], false],
    ['11 elements of context', [{ type: 'context', elements: many(11, () => plain('x')) }], false],
    ['a block id of 256', [{ type: 'divider', block_id: 'x'.repeat(256) }], false],
    ['a block id twice', many(2, () => ({ type: 'divider', block_id: 'same' })), false],
    ['an option value of 151', [actions([select({ options: [option('x'.repeat(151))] })])], false],
    ['101 options', [actions([select({ options: many(101, (index) => option(String(index))) })])], false],
    ['an unlisted initial option', [actions([select({ initial_option: option('two') })])], false],
    ['a listed initial option', [actions([select({ initial_option: option('one') })])], true],
    ['an unknown property', [{ type: 'divider', colour: 'red' }], false],
    ['an unknown block', [{ type: 'marquee' }], false],
    [
      'a plan',
      [{ type: 'plan', title: 'P', tasks: [{ type: 'task_card', task_id: '1', title: 'T', status: 'complete' }] }],
      true,
    ],
    [
      'a plan with a wrong status',
      [{ type: 'plan', title: 'P', tasks: [{ type: 'task_card', task_id: '1', title: 'T', status: 'completed' }] }],
      false,
    ],
    ['an alert', [{ type: 'alert', text: plain('A') }], false],
  ])('decide on a message with %s', (_, blocks, isFine) => {
    expect(messageProblems(blocks).length === 0).toBe(isFine)
  })

  it.each<[string, object, boolean]>([
    ['an alert', { blocks: [{ type: 'alert', level: 'warning', text: plain('A') }] }, true],
    ['101 blocks', { blocks: many(101, () => ({ type: 'divider' })) }, false],
    ['a title of 25', { title: plain('x'.repeat(25)) }, false],
    ['metadata of 3001', { private_metadata: 'x'.repeat(3001) }, false],
    ['a callback id of 256', { callback_id: 'x'.repeat(256) }, false],
    ['an input and no submit', { blocks: [asInput({ type: 'plain_text_input', action_id: 'a' })] }, false],
    [
      'a placeholder of 151',
      { submit: plain('S'), blocks: [asInput({ type: 'external_select', placeholder: plain('x'.repeat(151)) })] },
      false,
    ],
    ['check boxes', { submit: plain('S'), blocks: [asInput({ type: 'checkboxes', options: [option('yes')] })] }, true],
    [
      'a label of 2001',
      { submit: plain('S'), blocks: [{ ...asInput({ type: 'plain_text_input' }), label: plain('x'.repeat(2001)) }] },
      false,
    ],
  ])('decide on a modal with %s', (_, more, isFine) => {
    expect(viewProblems(modal(more)).length === 0).toBe(isFine)
  })

  it('add missing block and action ids', () => {
    const [block] = completed([actions([{ type: 'button', text: plain('B') }])])
    expect(block).toMatchObject({ block_id: expect.any(String), elements: [{ action_id: expect.any(String) }] })
  })
})
