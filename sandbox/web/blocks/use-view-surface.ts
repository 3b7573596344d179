/** What the elements of a view can do, in a form or on a home tab: keep their values, send actions, load lists. */
import { useCallback, useMemo, useState } from 'react'
import { post, sentenceOf } from '../workspace/api.js'
import { useWorkspace } from '../workspace/context.js'
import { reconcile, withValue } from './form-values.js'
import type { Surface } from './surface.js'
import type { Block, BlockElement, FormValues, OptionGroup } from './types.js'

type OptionsAnswer = { options?: OptionGroup['options']; option_groups?: readonly OptionGroup[] }

/** Values last as long as the view: an update keeps those of elements that stay. */
export function useViewSurface(viewId: string, blocks: readonly Block[]) {
  const { snapshot, channel, notify } = useWorkspace()
  const user = snapshot.me.id
  const [drawn, setDrawn] = useState(blocks)
  const [values, setValues] = useState<FormValues>(() => reconcile(blocks, {}, channel))
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({})

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
      press: (blockId, element, state) => send(blockId, element, state, values),
    }),
    [values, errors, loadOptions, send],
  )
  return { surface, values, setErrors }
}
