import type { KnownBlock, TaskCardBlock } from '@slack/types'
import { describe, expect, it } from 'vitest'
import type { Job, State } from '../../../src/domain/job.js'
import { type Message, rootMessage } from '../../../src/slack/message/job.js'
import { start } from '../../helpers/job.js'
import { linesIn, viewIn } from '../../helpers/job-view.js'

const steps = new Map([
  ['clone', { title: 'Clone', doing: 'Cloning' }],
  ['deploy', { title: 'Deploy', doing: 'Deploying' }],
  ['route', { title: 'Route', doing: 'Routing' }],
])
const rootOf = (state: State, rest: Partial<Job> = {}) =>
  rootMessage(viewIn(state, { step: 'deploy', ...rest }, { steps }))
const planIn = (blocks: readonly KnownBlock[]) => blocks.flatMap((block) => (block.type === 'plan' ? [block] : []))
const tasksIn = ({ blocks }: Message) => planIn(blocks).flatMap(({ tasks = [] }) => tasks as TaskCardBlock[])

describe('the steps of a running job', () => {
  it('are a plan in which the present step says its state, since when, and the provider’s own words', () => {
    const root = rootOf('working', { detail: 'Building the <image>' })
    expect(planIn(root.blocks).map(({ title }) => title)).toEqual(['Step 2 of 3'])
    expect(tasksIn(root).map(({ task_id, title, status }) => [task_id, title, status])).toEqual([
      ['clone', 'Clone', 'complete'],
      ['deploy', 'Deploy', 'in_progress'],
      ['route', 'Route', 'pending'],
    ])
    expect(tasksIn(root)[1]?.details?.elements).toEqual([
      {
        type: 'rich_text_section',
        elements: [
          { type: 'text', text: 'Running since ' },
          { type: 'date', timestamp: start / 1000, format: '{time}', fallback: '09:13 UTC' },
          { type: 'text', text: ': Building the <image>' },
        ],
      },
    ])
    expect(root.text).toContain('Building the &lt;image&gt;.')
  })

  it('are lines with a word for each state where Slack has no plans, between the same other blocks', () => {
    const { blocks, plainBlocks = [] } = rootOf('working', { detail: 'Building the image' })
    const lines = linesIn(plainBlocks)
    expect(lines.slice(1, 4)).toEqual([
      ':white_check_mark: Clone – done',
      expect.stringMatching(/^:large_blue_circle: Deploy – running since <!date[^>]*>: Building the image\.$/),
      ':white_circle: Route – not started',
    ])
    expect(plainBlocks.filter(({ type }) => type === 'plan')).toEqual([])
    expect(blocks.filter(({ type }) => type !== 'plan')).toEqual(plainBlocks.filter((_, at) => at !== 1))
  })

  it('say in one word what is done at the moment', () => {
    const word = (state: State, rest: Partial<Job> = {}) => {
      const [first] = tasksIn(rootOf(state, rest))[1]?.details?.elements ?? []
      return first?.type === 'rich_text_section' ? first.elements[0] : undefined
    }
    expect(word('queued')).toEqual({ type: 'text', text: 'Next' })
    expect(word('starting')).toEqual({ type: 'text', text: 'Sending since ' })
    expect(word('starting', { waitingSince: start })).toEqual({ type: 'text', text: 'Checking since ' })
    expect(tasksIn(rootOf('queued'))[1]?.status).toBe('pending')
  })

  it('have another block id after each change, because Slack keeps a block by its id', () => {
    const id = (version: number) => planIn(rootOf('working', { version }).blocks)[0]?.block_id
    expect(id(3)).not.toBe(id(4))
  })

  it('collapse when the job has ended, and while it waits for a person', () => {
    const others: State[] = [
      'awaiting_approval',
      'uncertain',
      'succeeded',
      'failed',
      'timed_out',
      'cancelled',
      'denied',
    ]
    for (const state of others) {
      const { blocks, plainBlocks } = rootOf(state)
      expect(JSON.stringify(blocks)).not.toContain('not started')
      expect(planIn(blocks)).toEqual([])
      expect(plainBlocks).toBeUndefined()
    }
  })

  it('are left out for a connection that is gone, and the provider’s words stay', () => {
    const { blocks, plainBlocks } = rootMessage(viewIn('working', { detail: 'Copying' }, { steps: new Map() }))
    expect(plainBlocks).toBeUndefined()
    expect(linesIn(blocks)[1]).toBe('Copying.')
  })
})
