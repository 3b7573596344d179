/** The part of Block Kit that the page draws itself, as the sandbox's Slack completed and checked it. */

export interface TextObject {
  type: 'plain_text' | 'mrkdwn'
  text: string
  emoji?: boolean
}

export interface Option {
  text: TextObject
  value: string
  description?: TextObject
}

export interface OptionGroup {
  /** Null for a list without groups. */
  label: TextObject | null
  options: readonly Option[]
}

export interface Confirm {
  title: TextObject
  text: TextObject
  confirm: TextObject
  deny: TextObject
  style?: 'primary' | 'danger'
}

interface Actionable {
  action_id: string
  confirm?: Confirm
  focus_on_load?: boolean
  placeholder?: TextObject
}

export interface ButtonElement extends Actionable {
  type: 'button'
  text: TextObject
  value?: string
  url?: string
  style?: 'primary' | 'danger'
  accessibility_label?: string
}

interface Written extends Actionable {
  initial_value?: string
  dispatch_action_config?: { trigger_actions_on?: readonly ('on_enter_pressed' | 'on_character_entered')[] }
}

export interface TextElement extends Written {
  type: 'plain_text_input' | 'email_text_input' | 'url_text_input'
  multiline?: boolean
  min_length?: number
  max_length?: number
}

export interface NumberElement extends Written {
  type: 'number_input'
  is_decimal_allowed: boolean
  min_value?: string
  max_value?: string
}

/** A fixed list, in groups or not. */
interface Listed {
  options?: readonly Option[]
  option_groups?: readonly { label: TextObject; options: readonly Option[] }[]
}

interface StaticSelect extends Actionable, Listed {
  type: 'static_select'
  initial_option?: Option
}

interface MultiStaticSelect extends Actionable, Listed {
  type: 'multi_static_select'
  initial_options?: readonly Option[]
  max_selected_items?: number
}

interface ExternalSelect extends Actionable {
  type: 'external_select'
  initial_option?: Option
  min_query_length?: number
}

interface MultiExternalSelect extends Actionable {
  type: 'multi_external_select'
  initial_options?: readonly Option[]
  max_selected_items?: number
  min_query_length?: number
}

export interface ConversationsSelect extends Actionable {
  type: 'conversations_select'
  initial_conversation?: string
  default_to_current_conversation?: boolean
  filter?: { include?: readonly string[] }
}

interface UsersSelect extends Actionable {
  type: 'users_select'
  initial_user?: string
}

interface MultiUsersSelect extends Actionable {
  type: 'multi_users_select'
  initial_users?: readonly string[]
  max_selected_items?: number
}

interface ChannelsSelect extends Actionable {
  type: 'channels_select'
  initial_channel?: string
}

export interface DateElement extends Actionable {
  type: 'datepicker'
  /** `2026-12-24` */
  initial_date?: string
}

export interface TimeElement extends Actionable {
  type: 'timepicker'
  /** `09:30` */
  initial_time?: string
}

export interface DateTimeElement extends Actionable {
  type: 'datetimepicker'
  /** Seconds since 1970. */
  initial_date_time?: number
}

export type AnyDateElement = DateElement | TimeElement | DateTimeElement

/** A menu behind three dots; it keeps no value. */
export interface OverflowElement extends Actionable {
  type: 'overflow'
  options: readonly (Option & { url?: string })[]
}

export interface Checkboxes extends Actionable {
  type: 'checkboxes'
  options: readonly Option[]
  initial_options?: readonly Option[]
}

export interface RadioButtons extends Actionable {
  type: 'radio_buttons'
  options: readonly Option[]
  initial_option?: Option
}

export type SelectElement =
  | StaticSelect
  | MultiStaticSelect
  | ExternalSelect
  | MultiExternalSelect
  | ConversationsSelect
  | UsersSelect
  | MultiUsersSelect
  | ChannelsSelect

/** Elements that have a state. */
export type InputElement = TextElement | NumberElement | SelectElement | AnyDateElement | Checkboxes | RadioButtons

export type BlockElement = ButtonElement | OverflowElement | InputElement

/** One step of a plan. */
export interface Task {
  task_id: string
  title: string
  status: 'pending' | 'in_progress' | 'complete' | 'error'
  details?: object
  output?: object
  sources?: readonly { url: string; text: string }[]
}

/** Any block; which of the optional parts are there depends on its type. */
export interface Block {
  type: string
  block_id: string
  text?: TextObject
  /** Of plans and task cards, which have plain strings. */
  title?: string
  tasks?: readonly Task[]
  /** Of alerts. */
  level?: 'default' | 'info' | 'warning' | 'error' | 'success'
  label?: TextObject
  hint?: TextObject
  optional?: boolean
  dispatch_action?: boolean
  element?: InputElement
  elements?: readonly BlockElement[]
  accessory?: BlockElement
}

/** What an element's value looks like in `view.state.values` and in an action. Nothing chosen is null or an empty list. */
export type ElementState =
  | { type: TextElement['type'] | 'number_input'; value: string | null }
  | { type: 'static_select' | 'external_select' | 'radio_buttons'; selected_option: Option | null }
  | { type: 'multi_static_select' | 'multi_external_select' | 'checkboxes'; selected_options: readonly Option[] }
  | { type: 'conversations_select'; selected_conversation: string | null }
  | { type: 'channels_select'; selected_channel: string | null }
  | { type: 'users_select'; selected_user: string | null }
  | { type: 'multi_users_select'; selected_users: readonly string[] }
  | { type: 'datepicker'; selected_date: string | null }
  | { type: 'timepicker'; selected_time: string | null }
  | { type: 'datetimepicker'; selected_date_time: number | null }

/** Block id → action id → state. */
export type FormValues = Readonly<Record<string, Readonly<Record<string, ElementState>>>>

/** What every drawing gets; `S` is the state its element has. */
export interface Field<S extends ElementState> {
  state: S
  /** `isFinal` is false while the person is still typing. */
  onChange(state: S, isFinal?: boolean): void
  labelId: string
  inputId: string | undefined
  describedBy: string | undefined
  isInvalid: boolean
  isOptional: boolean
}
