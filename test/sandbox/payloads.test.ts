import { describe, expect, it } from 'vitest'
import { submissionPayload, viewActionPayload } from '../../sandbox/slack/payloads.js'
import type { SlackView } from '../../sandbox/slack/state.js'

const label = (text: string) => ({ type: 'plain_text', text, emoji: false })
const picked = { type: 'external_select', selected_option: { text: label('R&D <labs>'), value: 'R&D' } }
const values = {
  project: { a: picked },
  literal: { a: { type: 'external_select', selected_option: { text: label('R&amp;D'), value: 'x' } } },
  name: { a: { type: 'plain_text_input', value: 'R&D <labs>' } },
}
const person = { id: 'U1', name: 'ann', realName: 'Ann', title: '', hasLeft: false }
const view = { id: 'V1' } as SlackView

describe('the payload of a submitted form', () => {
  it('escapes the labels of options, but neither their values nor typed text', () => {
    const payload = JSON.stringify(submissionPayload({ person, view, values, triggerId: '1' }))
    expect(payload).toContain('"text":"R&amp;D &lt;labs&gt;","emoji":false},"value":"R&D"')
    expect(payload).toContain('"text":"R&amp;amp;D"')
    expect(payload).toContain('"value":"R&D <labs>"')
  })

  it('escapes the label of a chosen option too', () => {
    const { actions } = viewActionPayload({ person, view, values, action: picked, triggerId: '1' })
    expect(JSON.stringify(actions)).toContain('"text":"R&amp;D &lt;labs&gt;"')
  })
})
