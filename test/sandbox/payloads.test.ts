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

describe('what Slack sends back of a form', () => {
  it('has the labels of options escaped, but neither their values nor what was typed', () => {
    const payload = JSON.stringify(submissionPayload({ person, view, values, triggerId: '1' }))
    expect(payload).toContain('"text":"R&amp;D &lt;labs&gt;","emoji":false},"value":"R&D"')
    expect(payload).toContain('"text":"R&amp;amp;D"')
    expect(payload).toContain('"value":"R&D <labs>"')
  })

  it('has them escaped in what was chosen as well', () => {
    const { actions } = viewActionPayload({ person, view, values, action: picked, triggerId: '1' })
    expect(JSON.stringify(actions)).toContain('"text":"R&amp;D &lt;labs&gt;"')
  })
})
