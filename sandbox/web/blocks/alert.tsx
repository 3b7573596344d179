/** An alert of a form: a box in the colour of its level, which is also said in words. */
import { Text } from './library-blocks.js'
import type { Block } from './types.js'

export function Alert({ block }: { block: Block }) {
  const level = block.level ?? 'default'
  return (
    <div className={`alert is-${level}`} role="note" aria-label={level === 'default' ? undefined : level}>
      {block.text && <Text text={block.text} />}
    </div>
  )
}
