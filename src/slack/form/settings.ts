/** Pure: the page of `/clone-app settings`: what a person prefers, and what a channel prefers. */
import type { InputBlock, KnownBlock, ModalView, PlainTextOption } from '@slack/types'
import { z } from 'zod'
import { context, plain } from '../blocks.js'
import { limits } from '../limits.js'
import type { StateValues } from './answers.js'
import { option } from './options.js'

/** When a person is mentioned. */
export const TELL = ['failure', 'success', 'both', 'never'] as const
export type Tell = (typeof TELL)[number]
/** Where a thread begins unless somebody chooses: where it was asked for, or in direct messages. */
export const PLACES = ['here', 'mine'] as const
export type Place = (typeof PLACES)[number]

export interface PersonSettings {
  tell?: Tell | undefined
  place?: Place | undefined
}

export interface ChannelSettings {
  /** For people who chose nothing themselves. */
  tell?: Tell | undefined
  /** Name of the connection that page 1 of the form begins with. */
  connection?: string | undefined
  /** Name of the shared preset that opens in place of page 1. */
  preset?: string | undefined
}

export const SETTINGS_CALLBACK = 'settings'

const tellLabels = {
  failure: 'When it fails',
  success: 'When it succeeds',
  both: 'Either way',
  never: 'Never',
} as const satisfies Record<Tell, string>
const placeLabels = {
  here: 'In the channel where I ask',
  mine: 'In my direct messages with Dolly',
} as const satisfies Record<Place, string>
const AS_THE_CHANNEL_SAYS = 'As the channel says, or else when it fails'
/** The value of "nothing is chosen": Slack takes no empty one. */
const NONE = '-'

/** What a channel has now, and what can be chosen for it, by name. */
interface ChannelPage {
  id: string
  settings: ChannelSettings
  connections: readonly string[]
  presets: readonly string[]
}

/**
 * @param own what this person chose; for a mention nothing means that the channel's choice applies.
 * @param channel its id, what it has now, and which connections and presets this person can choose; null where they can't
 *   change it.
 * @param opening the key of where the page was opened.
 */
export function settingsView(own: PersonSettings, channel: ChannelPage | null, opening: string): ModalView {
  return {
    type: 'modal',
    callback_id: SETTINGS_CALLBACK,
    private_metadata: opening,
    title: plain('Settings'),
    submit: plain('Save'),
    close: plain('Cancel'),
    blocks: [
      { type: 'header', text: plain('For you') },
      radio(
        'tell',
        'Mention me',
        [...optionsOf(tellLabels), option({ value: NONE, label: AS_THE_CHANNEL_SAYS })],
        own.tell ?? NONE,
      ),
      radio('place', 'Start threads', optionsOf(placeLabels), own.place ?? 'here'),
      context('You can still choose differently in each form. Changes apply to jobs you start from now on.'),
      ...(channel === null ? [] : channelBlocks(channel)),
    ],
  }
}

function channelBlocks({ id, settings, connections, presets }: ChannelPage): KnownBlock[] {
  const named = (names: readonly string[]) =>
    names.slice(0, limits.options - 1).map((name) => option({ value: name, label: name }))
  return [
    { type: 'header', text: plain('For everyone in this channel') },
    context(`These apply to jobs started in <#${id}>.`),
    select('connection', 'Connection the form starts with', 'None', named(connections), settings.connection),
    ...(presets.length === 0
      ? []
      : [select('preset', 'Preset that /clone-app opens right away', 'None', named(presets), settings.preset)]),
    select('channel_tell', 'Mention people', 'As each person chose', optionsOf(tellLabels), settings.tell),
  ]
}

function optionsOf(labels: Readonly<Record<string, string>>): PlainTextOption[] {
  return Object.entries(labels).map(([value, label]) => option({ value, label }))
}

function radio(block_id: string, label: string, options: PlainTextOption[], value: string): InputBlock {
  const initial = options.find((one) => one.value === value)
  return {
    type: 'input',
    block_id,
    label: plain(label),
    element: {
      type: 'radio_buttons',
      action_id: block_id,
      options,
      ...(initial ? { initial_option: initial } : {}),
    },
  }
}

function select(
  block_id: string,
  label: string,
  none: string,
  some: PlainTextOption[],
  value: string | undefined,
): InputBlock {
  const options = [option({ value: NONE, label: none }), ...some]
  const initial = options.find((one) => one.value === (value ?? NONE)) ?? options[0]
  return {
    type: 'input',
    block_id,
    label: plain(label),
    element: {
      type: 'static_select',
      action_id: block_id,
      options,
      ...(initial ? { initial_option: initial } : {}),
    },
  }
}

const Choice = z.object({ selected_option: z.object({ value: z.string() }).nullish() })
export const PersonChoices = z.object({
  tell: z.enum(TELL).optional().catch(undefined),
  place: z.enum(PLACES).optional().catch(undefined),
})
export const ChannelChoices = z.object({
  tell: z.enum(TELL).optional().catch(undefined),
  connection: z.string().max(100).optional().catch(undefined),
  preset: z.string().max(100).optional().catch(undefined),
})

/** What was chosen; anything that the page doesn't offer is left out. */
export function readSettings(values: StateValues): { own: PersonSettings; channel: ChannelSettings } {
  const chosen = (block: string) => {
    const value = Choice.safeParse(values[block]?.[block]).data?.selected_option?.value
    return value === NONE ? undefined : value
  }
  return {
    own: PersonChoices.parse({ tell: chosen('tell'), place: chosen('place') }),
    channel: ChannelChoices.parse({
      tell: chosen('channel_tell'),
      connection: chosen('connection'),
      preset: chosen('preset'),
    }),
  }
}
