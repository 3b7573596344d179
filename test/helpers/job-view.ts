/** What a job's messages are made from, as a provider would describe it, and what people read in them. */
import type { ActionsBlockElement, KnownBlock, SectionBlockAccessory } from '@slack/types'
import type { Job, State } from '../../src/domain/job.js'
import type { JobView } from '../../src/slack/message/job.js'
import { jobIn, start } from './job.js'

/** A view of a job in this state: a copy of a container in two steps, on Hoody. */
export function viewIn(state: State, rest: Partial<Job> = {}, more: Partial<JobView> = {}): JobView {
  const job = jobIn(state, rest)
  return {
    job,
    title: 'Copy a container',
    provider: 'Hoody',
    steps: new Map([
      ['copy', { title: 'Copy the container', doing: 'Copying the container' }],
      ['start', { title: 'Start the copy', doing: 'Starting the copy' }],
    ]),
    hasRemoval: true,
    typicalMs: null,
    now: start,
    thread: { channel: job.channel, ts: '1.0' },
    ...more,
  }
}

/** One button, link button or entry of a menu: its `action_id` or `<word> <job id>`, and its words. */
export interface Choice {
  id: string
  text: string
  style?: string | undefined
  asks?: string | undefined
  url?: string | undefined
}

/** All that can be pressed in blocks, in their order. */
export function choicesIn(blocks: readonly KnownBlock[]): Choice[] {
  const elements = blocks.flatMap((block): (ActionsBlockElement | SectionBlockAccessory)[] => {
    if (block.type === 'actions') return block.elements
    return block.type === 'section' && block.accessory ? [block.accessory] : []
  })
  return elements.flatMap((element): Choice[] => {
    if (element.type === 'overflow')
      return element.options.map(({ value = '', text }) => ({ id: value, text: text.text }))
    if (element.type !== 'button') return []
    const { action_id: id = '', text, style, confirm, url } = element
    return [{ id, text: text.text, style, asks: confirm?.text.text, url }]
  })
}

/** The lines of text in blocks: no buttons, no plan. */
export function linesIn(blocks: readonly KnownBlock[]): string[] {
  return blocks.flatMap((block) => {
    if (block.type === 'section') return (block.text?.text ?? '').split('\n')
    if (block.type === 'context') return block.elements.map((element) => ('text' in element ? element.text : ''))
    return []
  })
}
