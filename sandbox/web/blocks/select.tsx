/** Every kind of select menu, in terms of one combobox: where its lines come from and what its state looks like. */
import { useMemo } from 'react'
import { useWorkspace } from '../workspace/context.js'
import { Combobox } from './combobox.js'
import { stateOption } from './form-values.js'
import { useSurface } from './surface.js'
import type { ElementState, Field, Option, OptionGroup, SelectElement } from './types.js'
import { type Lines, useFixedLines, useRemoteLines } from './use-lines.js'

type SelectState = Exclude<
  ElementState,
  { value: unknown } | { selected_date: unknown } | { selected_time: unknown } | { selected_date_time: unknown }
>

interface SelectProps extends Field<SelectState> {
  blockId: string
  element: SelectElement
}

export function Select(props: SelectProps) {
  switch (props.element.type) {
    case 'external_select':
    case 'multi_external_select':
      return <RemoteSelect {...props} minQueryLength={props.element.min_query_length ?? 3} />
    case 'conversations_select':
      return <ConversationsSelect {...props} include={props.element.filter?.include} />
    case 'channels_select':
      return <ConversationsSelect {...props} include={['public']} />
    case 'users_select':
    case 'multi_users_select':
      return <UsersSelect {...props} />
    default:
      return <FixedSelect {...props} groups={groupsOf(props.element)} />
  }
}

function FixedSelect({ groups, ...props }: SelectProps & { groups: readonly OptionGroup[] }) {
  return <SelectBox {...props} lines={useFixedLines(groups)} all={groups.flatMap(({ options }) => options)} />
}

function ConversationsSelect({ include, ...props }: SelectProps & { include: readonly string[] | undefined }) {
  const { channels } = useWorkspace().snapshot
  const groups = useMemo(() => {
    const shown = channels.filter(({ isDirect }) => !include || include.includes(isDirect ? 'im' : 'public'))
    const options = shown.map(
      ({ id, name, isDirect }): Option => ({
        text: { type: 'plain_text', text: isDirect ? name : `#${name}` },
        value: id,
      }),
    )
    return [{ label: null, options }]
  }, [channels, include])
  return <FixedSelect {...props} groups={groups} />
}

function UsersSelect(props: SelectProps) {
  const { people } = useWorkspace().snapshot
  const groups = useMemo(() => {
    const options = people
      .filter(({ hasLeft }) => !hasLeft)
      .map(({ id, realName }): Option => ({ text: { type: 'plain_text', text: realName }, value: id }))
    return [{ label: null, options }]
  }, [people])
  return <FixedSelect {...props} groups={groups} />
}

function RemoteSelect({ minQueryLength, ...props }: SelectProps & { minQueryLength: number }) {
  const { loadOptions } = useSurface()
  const lines = useRemoteLines(props.blockId, props.element.action_id, minQueryLength, loadOptions)
  return <SelectBox {...props} lines={lines} all={[]} />
}

interface SelectBoxProps extends SelectProps {
  lines: Lines
  /** All there is to choose from, where that is known. */
  all: readonly Option[]
}

function SelectBox({ element, state, onChange, lines, all, blockId: _, ...field }: SelectBoxProps) {
  const isMultiple = 'selected_options' in state || 'selected_users' in state
  return (
    <Combobox
      {...field}
      lines={lines}
      isMultiple={isMultiple}
      selected={chosen(state, all)}
      max={'max_selected_items' in element ? element.max_selected_items : undefined}
      placeholder={element.placeholder?.text ?? (isMultiple ? 'Select options' : 'Select an option')}
      focusOnLoad={element.focus_on_load === true}
      onSelect={(options) => onChange(selection(state, options))}
    />
  )
}

function chosen(state: SelectState, all: readonly Option[]): readonly Option[] {
  if ('selected_options' in state) return state.selected_options
  if ('selected_option' in state) return state.selected_option ? [state.selected_option] : []
  const ids = idsOf(state)
  return all.filter(({ value }) => ids.includes(value))
}

function selection(state: SelectState, options: readonly Option[]): SelectState {
  const [first] = options
  if ('selected_options' in state) return { ...state, selected_options: options.map(stateOption) }
  if ('selected_option' in state) return { ...state, selected_option: first ? stateOption(first) : null }
  if ('selected_users' in state) return { ...state, selected_users: options.map(({ value }) => value) }
  const id = first?.value ?? null
  if ('selected_user' in state) return { ...state, selected_user: id }
  if ('selected_channel' in state) return { ...state, selected_channel: id }
  return { ...state, selected_conversation: id }
}

type IdState = Exclude<SelectState, { selected_option: unknown } | { selected_options: unknown }>

function idsOf(state: IdState): readonly (string | null)[] {
  if ('selected_users' in state) return state.selected_users
  if ('selected_user' in state) return [state.selected_user]
  return ['selected_channel' in state ? state.selected_channel : state.selected_conversation]
}

function groupsOf(element: SelectElement): readonly OptionGroup[] {
  if ('option_groups' in element && element.option_groups) return element.option_groups
  return [{ label: null, options: 'options' in element ? (element.options ?? []) : [] }]
}
