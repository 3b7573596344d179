/** The blocks of one message or modal, in order. The library draws static ones, we draw interactive ones. */
import { Component, Fragment, type ReactNode } from 'react'
import { Alert } from './alert.js'
import { BlockElementView } from './element.js'
import { isInput } from './form-values.js'
import { InputBlock } from './input-block.js'
import { LibraryBlocks } from './library-blocks.js'
import { Plan, TaskCard } from './plan.js'
import type { Block, BlockElement, Task } from './types.js'

export function Blocks({ blocks }: { blocks: readonly Block[] }) {
  return (
    <div className="blocks">
      {runs(blocks).map((run) => (
        <Guard key={run.key}>
          {run.shown ? <LibraryBlocks blocks={run.shown} /> : run.worked && <WorkedBlock block={run.worked} />}
        </Guard>
      ))}
    </div>
  )
}

interface Run {
  key: string
  shown?: Block[]
  worked?: Block
}

/** Neighbours that the library draws are drawn together, so that it spaces them. */
function runs(blocks: readonly Block[]): Run[] {
  const found: Run[] = []
  for (const [index, block] of blocks.entries()) {
    const last = found.at(-1)
    if (canBeWorked(block)) found.push({ key: `worked ${block.block_id}`, worked: block })
    else if (last?.shown) last.shown.push(block)
    else found.push({ key: `shown ${index}`, shown: [block] })
  }
  return found
}

/** Blocks that we draw: those that people work with, and those that the library draws too heavily. */
const OURS: ReadonlySet<string> = new Set(['actions', 'input', 'plan', 'task_card', 'alert'])

function canBeWorked({ type, accessory }: Block): boolean {
  return OURS.has(type) || (type === 'section' && accessory !== undefined && isOurs(accessory))
}

function isOurs(element: BlockElement): boolean {
  return element.type === 'button' || element.type === 'overflow' || isInput(element)
}

function WorkedBlock({ block }: { block: Block }) {
  if (block.type === 'plan') return <Plan block={block} />
  if (block.type === 'task_card') return isTask(block) ? <TaskCard task={block} /> : null
  if (block.type === 'alert') return <Alert block={block} />
  if (block.type === 'input') return <InputBlock block={block} />
  if (block.type === 'section' && block.accessory) {
    const { accessory, ...text } = block
    return (
      <div className="section">
        <LibraryBlocks blocks={[text]} />
        <BlockElementView blockId={block.block_id} element={accessory} label={block.text?.text ?? ''} />
      </div>
    )
  }
  return (
    <div className="actions">
      {block.elements?.map((element) => (
        <Fragment key={element.action_id}>
          <BlockElementView blockId={block.block_id} element={element} label={element.placeholder?.text ?? ''} />
        </Fragment>
      ))}
    </div>
  )
}

function isTask(block: Block): block is Block & Task {
  return 'task_id' in block
}

/** Keeps a block that can't be drawn from breaking the whole page. */
class Guard extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override readonly state = { isBroken: false }

  static getDerivedStateFromError() {
    return { isBroken: true }
  }

  override render() {
    return this.state.isBroken ? <p className="undrawn">This block cannot be drawn here.</p> : this.props.children
  }
}
