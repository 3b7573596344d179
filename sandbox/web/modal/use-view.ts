/** What happens in one view: its values across updates, its actions, its submission. */
import { useCallback, useMemo, useState } from 'react'
import type { View } from '../../slack/protocol.js'
import { clickOf, problems, reconcile, withValue } from '../blocks/form-values.js'
import type { Surface } from '../blocks/surface.js'
import type { Block, BlockElement, FormValues, OptionGroup } from '../blocks/types.js'
import { post, sentenceOf } from '../workspace/api.js'
import type { Workspace } from '../workspace/context.js'

type OptionsAnswer = { options?: OptionGroup['options']; option_groups?: readonly OptionGroup[] }

export function useView(view: View, workspace: Workspace, onClosed: () => void) {
  const { snapshot, channel, notify } = workspace
  const user = snapshot.me.id
  const viewId = view.id
  const blocks = view.blocks as readonly Block[]
  const [drawn, setDrawn] = useState(blocks)
  const [values, setValues] = useState<FormValues>(() => reconcile(blocks, {}, channel))
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const [isWaiting, setWaiting] = useState(false)

  if (drawn !== blocks) {
    setDrawn(blocks)
    setValues(reconcile(blocks, values, channel))
  }

  const send = useCallback(
    (blockId: string, element: BlockElement, state: object, all: FormValues) => {
      const action = { ...state, type: element.type, action_id: element.action_id, block_id: blockId }
      return post('action', { user, source: { viewId }, blockId, action, values: all }).then(
        () => undefined,
        (error: unknown) => notify(sentenceOf(error)),
      )
    },
    [user, viewId, notify],
  )

  const loadOptions = useCallback<Surface['loadOptions']>(
    async (blockId, actionId, value, signal) => {
      const answer = await post<OptionsAnswer>('options', { user, viewId, blockId, actionId, value }, signal)
      return answer.option_groups ?? [{ label: null, options: answer.options ?? [] }]
    },
    [user, viewId],
  )

  const surface = useMemo<Surface>(
    () => ({
      values,
      errors,
      loadOptions,
      change: (blockId, element, state, dispatch) => {
        const next = withValue(values, blockId, element.action_id, state)
        setValues((latest) => withValue(latest, blockId, element.action_id, state))
        setErrors(({ [blockId]: _, ...others }) => others)
        if (dispatch) send(blockId, element, state, next)
      },
      press: (blockId, element) => send(blockId, element, clickOf(element), values),
    }),
    [values, errors, loadOptions, send],
  )

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
