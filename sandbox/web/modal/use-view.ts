/** What happens in one form: its values across updates, its actions, its submission. */
import { useState } from 'react'
import type { View } from '../../slack/protocol.js'
import { problems } from '../blocks/form-values.js'
import type { Block } from '../blocks/types.js'
import { useViewSurface } from '../blocks/use-view-surface.js'
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'

export function useView(view: View, onClosed: () => void) {
  const { snapshot, notify } = useWorkspace()
  const user = snapshot.me.id
  const viewId = view.id
  const blocks = view.blocks as readonly Block[]
  const { surface, values, setErrors } = useViewSurface(viewId, blocks)
  const [problem, setProblem] = useState<string | null>(null)
  const [isWaiting, setWaiting] = useState(false)

  async function submit() {
    if (isWaiting) return
    setProblem(null)
    const found = problems(blocks, values)
    setErrors(found)
    if (Object.keys(found).length > 0) return
    setWaiting(true)
    try {
      const answer = await post<{ errors?: Record<string, string> }>('submit', { user, viewId, values })
      const said = answer.errors ?? {}
      const strays = Object.keys(said).filter((id) => !blocks.some(({ block_id }) => block_id === id))
      setErrors(said)
      if (strays.length > 0) setProblem(strays.map((id) => `${id}: ${said[id]}`).join(' '))
    } catch (error) {
      setProblem(sentenceOf(error))
    } finally {
      setWaiting(false)
    }
  }

  function close() {
    onClosed()
    post('close', { user, viewId }).catch((error: unknown) => notify(sentenceOf(error)))
  }

  return { blocks, surface, submit, close, isWaiting, problem }
}
