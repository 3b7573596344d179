/** What Slack refuses before a form reaches the bot. */
import { expect, it } from 'vitest'
import { inputErrors } from '../../sandbox/slack/inputs.js'

const blocks = [
  {
    type: 'input',
    block_id: 'project',
    label: { type: 'plain_text', text: 'Project' },
    element: { type: 'external_select', action_id: 'project:found' },
  },
]
const chosen = { type: 'external_select', selected_option: { value: 'staging' } }
const empty = { type: 'external_select', selected_option: null }

it('a form is accepted if it was sent just before an update gave its elements new action ids', () => {
  expect(inputErrors(blocks, { project: { 'project:typed': chosen } })).toEqual({})
})

it('a required field without an answer is refused, whatever version of the form it was sent from', () => {
  const refused = { project: 'Please complete this required field.' }
  for (const values of [
    {},
    { project: {} },
    { project: { 'project:typed': empty } },
    // The newer element counts: the earlier answer doesn't belong to it.
    { project: { 'project:typed': chosen, 'project:found': empty } },
  ])
    expect(inputErrors(blocks, values)).toEqual(refused)
})
