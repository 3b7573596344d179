/** Pure: a person's Home tab: how to begin, what needs them, what runs, and what they have. */
import type { ActionsBlock, Button, HomeView, KnownBlock } from '@slack/types'
import { cut } from '../../lib/text.js'
import { context, plain, section } from '../blocks.js'
import { limits } from '../limits.js'
import { brief, mrkdwn } from '../text.js'
import { jobBlocks, type ListedJob } from './list.js'

export const homeActions = { clone: 'home:clone', settings: 'home:settings', preset: /^home:preset:\d+$/ } as const

/** What a Home tab shows. Each list has at most `MAX_SHOWN` entries; `more` counts those left out. */
export interface HomeModel {
  /** What this person may do, in a few lines of mrkdwn; see help. */
  help: readonly string[]
  /** Why they can do nothing, as mrkdwn; null if they can. */
  closed: string | null
  needsYou: HomeList
  running: HomeList
  recent: HomeList
  expiring: HomeList
  /** Presets that they can open, by id. */
  presets: readonly { id: string; name: string; what: string }[]
  /** Schedules of theirs, a line of mrkdwn each. */
  schedules: readonly string[]
  /** Milliseconds since 1970. */
  now: number
}

export interface HomeList {
  jobs: readonly ListedJob[]
  more: number
}

/** Of one list. Slack takes 100 blocks in a view; each job takes two or three. */
export const MAX_SHOWN = 5
/** Buttons in one row. */
const MAX_PRESET_BUTTONS = 5
const MAX_LINES = 10
/** Of the line that says how many there are besides, in characters. */
const MAX_MORE_LENGTH = 80

const EMPTY: HomeModel['running'] = { jobs: [], more: 0 }

export function homeView(model: HomeModel): HomeView {
  const { help, closed, presets, schedules, now } = model
  if (closed !== null) return { type: 'home', blocks: [header('Dolly clones apps'), section(closed)] }
  const list = (title: string, { jobs, more }: HomeList = EMPTY) => jobList(title, jobs, more, now)
  const nothing = [model.needsYou, model.running, model.recent, model.expiring].every(({ jobs }) => jobs.length === 0)
  return {
    type: 'home',
    blocks: [
      header('Dolly clones apps'),
      section('Fill in one form, then follow one thread until the clone runs.'),
      startButtons(presets),
      ...list('Needs you', model.needsYou),
      ...list('Running', model.running),
      ...list('Expiring soon', model.expiring),
      ...list('Recent', model.recent),
      ...(nothing ? [{ type: 'divider' } as const, section('Your jobs will show up here.')] : []),
      ...lines(
        'Presets',
        presets.map(({ name, what }) => `• *${mrkdwn(brief(name))}*  ·  ${mrkdwn(brief(what))}`),
      ),
      ...lines('Schedules', schedules, ': `/clone-app schedules` shows them'),
      { type: 'divider' },
      section(help.join('\n')),
      context("I don't read messages, so start here. Commands work in any channel."),
    ],
  }
}

/** While the database is away. */
export const unreadableHome: HomeView = {
  type: 'home',
  blocks: [
    header('Dolly clones apps'),
    section("I can't read my database right now, so I don't know what to show. Open this tab again in a minute."),
  ],
}

function startButtons(presets: HomeModel['presets']): ActionsBlock {
  const elements: Button[] = [
    { type: 'button', action_id: homeActions.clone, text: plain('Clone an app'), style: 'primary' },
    ...presets.slice(0, MAX_PRESET_BUTTONS).map(
      ({ id, name }, at): Button => ({
        type: 'button',
        action_id: `home:preset:${at}`,
        text: plain(cut(name, limits.buttonText)),
        value: id,
      }),
    ),
    { type: 'button', action_id: homeActions.settings, text: plain('Settings') },
  ]
  return { type: 'actions', block_id: 'start', elements }
}

function jobList(title: string, jobs: readonly ListedJob[], more: number, now: number): KnownBlock[] {
  if (jobs.length === 0) return []
  const rest = more > 0 ? [context(`…and ${more} more: \`/clone-app list\` shows them.`)] : []
  return [{ type: 'divider' }, header(title), ...jobs.flatMap((job) => jobBlocks(job, now)), ...rest]
}

/** Whole lines only: a time that is cut would show as it is written. */
function lines(title: string, all: readonly string[], where = ''): KnownBlock[] {
  if (all.length === 0) return []
  const lengths = all.slice(0, MAX_LINES).map((_, at) => all.slice(0, at + 1).join('\n').length)
  const shown = lengths.filter((length) => length <= limits.sectionText - MAX_MORE_LENGTH).length
  const more = all.length > shown ? [`…and ${all.length - shown} more${where}`] : []
  return [{ type: 'divider' }, header(title), section([...all.slice(0, shown), ...more].join('\n'))]
}

function header(text: string): KnownBlock {
  return { type: 'header', text: plain(text) }
}
