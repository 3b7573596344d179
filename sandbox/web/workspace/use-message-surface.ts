/** What the elements of a message can do: be pressed, and hold a choice until the page is left. */
import { useMemo, useState } from 'react'
import type { Message } from '../../slack/protocol.js'
import { reconcile, withValue } from '../blocks/form-values.js'
import type { Surface } from '../blocks/surface.js'
import type { Block, BlockElement, FormValues } from '../blocks/types.js'
import { post, sentenceOf } from './api.js'
import { useWorkspace } from './context.js'

export function useMessageSurface({ channel, ts }: Message, blocks: readonly Block[]): Surface {
  const { snapshot, notify } = useWorkspace()
  const user = snapshot.me.id
  const [chosen, setChosen] = useState<FormValues>({})

  return useMemo(() => {
    const values = reconcile(blocks, chosen, channel)
    const send = (blockId: string, element: BlockElement, state: object) => {
      const action = { ...state, type: element.type, action_id: element.action_id, block_id: blockId }
      return post('action', { user, source: { channel, ts }, blockId, action, values }).then(
        () => undefined,
        (error: unknown) => notify(sentenceOf(error)),
      )
    }
    return {
      values,
      errors: {},
      change: (blockId, element, state) => {
        setChosen(withValue(values, blockId, element.action_id, state))
        send(blockId, element, state)
      },
      press: send,
      loadOptions: () => Promise.reject(new Error('This sandbox loads lists in modals only.')),
    }
  }, [blocks, chosen, channel, ts, user, notify])
}
