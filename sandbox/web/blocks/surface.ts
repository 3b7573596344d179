/** What a message or a modal does for the elements drawn on it: keep their values, send their actions, fetch their lists. */
import { createContext, useContext } from 'react'
import type { BlockElement, ElementState, FormValues, InputElement, OptionGroup } from './types.js'

export interface Surface {
  values: FormValues
  /** Sentences under the fields, by block id. */
  errors: Readonly<Record<string, string>>
  /** Keeps a new value; with `dispatch` it is sent as an action, together with all others. */
  change(blockId: string, element: InputElement, state: ElementState, dispatch: boolean): void
  /** Sends a click with what it says: a button's text and value, a menu's option. Resolves when it was acknowledged, or the person has been shown why not. */
  press(blockId: string, element: BlockElement, state: object): Promise<void>
  /** Asks the app for the lines of a type-ahead list. */
  loadOptions(blockId: string, actionId: string, query: string, signal: AbortSignal): Promise<readonly OptionGroup[]>
}

export const SurfaceContext = createContext<Surface | null>(null)

export function useSurface(): Surface {
  const surface = useContext(SurfaceContext)
  if (!surface) throw new Error('Elements can only be drawn on a message or a modal.')
  return surface
}
