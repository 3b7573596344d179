/** `list`: jobs a page at a time. Every click reads them again and checks again who may see which. */
import type { App, BlockAction, ButtonAction, UsersSelectAction } from '@slack/bolt'
import { z } from 'zod'
import type { Asker } from '../../access/rules.js'
import type { Job } from '../../domain/job.js'
import { UserError } from '../../errors.js'
import { closest } from '../../lib/closest.js'
import { comparable } from '../../lib/text.js'
import type { Message } from '../../slack/message/job.js'
import { JOBS_PER_PAGE, type ListedJob, type ListFilter, listActions, listMessage } from '../../slack/message/list.js'
import { brief } from '../../slack/text.js'
import { listJobs } from '../../store/job-lists.js'
import { readThread } from '../../store/messages.js'
import { answerPrivately, errorText, replaceAnswer } from '../answer.js'
import { AFTER_ACK_TIMEOUT_MS, identifyAsker } from '../authorize.js'
import { threadLink } from '../clone/start-job.js'
import type { Services } from '../services.js'
import type { CommandRequest, Verb } from '../verb.js'
import { idsOf, may } from './access.js'

const KINDS = ['mine', 'running', 'failed', 'all'] as const

/** More than anybody pages through; older ones are found by narrowing the list. */
const MAX_LISTED = 200

export const listVerb: Verb = {
  words: ['list', 'jobs'],
  usage: 'list [mine|running|failed|all] [connection=…] [person=@…]',
  does: 'jobs you can see, newest first',
  group: 'follow',
  async run(request) {
    return await listFor(request.services, request.asker, parseFilter(request), 0)
  },
}

/**
 * @throws UserError for a word, a connection or a field that isn't known, with the nearest one that is.
 */
export function parseFilter({
  services,
  words,
  values,
}: Pick<CommandRequest, 'services' | 'words' | 'values'>): ListFilter {
  const connections = [...services.connections.keys()]
  let which: ListFilter['which'] | undefined
  let connection: string | undefined
  for (const typed of words) {
    const word = comparable(typed)
    const kind = KINDS.find((one) => one === word)
    if (kind) which = kind
    else if (connections.includes(word)) connection = word
    else throw unknown(`There's no list "${brief(typed)}".`, '', word, [...KINDS, ...connections])
  }
  let person: string | undefined
  for (const [key, value] of Object.entries(values)) {
    const field = comparable(key)
    if (field === 'connection') {
      connection = comparable(value)
      if (!connections.includes(connection))
        throw unknown(`There's no connection "${brief(value)}".`, 'connection=', connection, connections)
    } else if (field === 'person') {
      // Slack sends a mention as the name that was typed, unless it came from a workflow or was pasted.
      person = /^(?:<@)?([UW][A-Z0-9]{1,30})(?:\|[^>]*)?>?$/.exec(value.trim())?.[1]
      if (person === undefined) {
        const advice = `I can't tell who "${brief(value)}" is from a command. List all jobs and choose the person there:`
        throw new UserError(advice, { instead: '/clone-app list all' })
      }
    } else {
      throw unknown(`A list has no field "${brief(key)}".`, '', field, ['connection=', 'person='])
    }
  }
  return { which: which ?? (person === undefined ? 'mine' : 'all'), connection, person }
}

function unknown(problem: string, before: string, typed: string, known: readonly string[]): UserError {
  const near = closest(typed, known)
  const instead = near === undefined ? '/clone-app list' : `/clone-app list ${before}${near}`
  return new UserError(`${problem} ${near === undefined ? 'All of yours:' : 'Did you mean:'}`, { instead })
}

/** The page of a list that this person may see now. A page that is gone by now is the last one. */
export async function listFor(
  services: Services,
  asker: Asker,
  filter: ListFilter,
  wantedPage: number,
): Promise<Message> {
  const { db } = services
  const { which, connection, person } = filter
  const requesters = person === undefined ? (which === 'mine' ? idsOf(asker) : undefined) : [person]
  const now = services.now()
  const wanted = { requesters, connection, which: which === 'mine' ? 'all' : which } as const
  const found = await listJobs(db, wanted, MAX_LISTED + 1, now)
  const visible = await visibleTo(services, asker, found.slice(0, MAX_LISTED))
  const pages = Math.max(1, Math.ceil(visible.length / JOBS_PER_PAGE))
  const page = Math.min(wantedPage, pages - 1)
  const jobs = await withLinks(services, visible.slice(page * JOBS_PER_PAGE, (page + 1) * JOBS_PER_PAGE))
  return listMessage({ filter, page, pages, jobs, isCut: found.length > MAX_LISTED, now })
}

/** Of these jobs, those that a person may see: their own, and others where a rule says so. */
export async function visibleTo(services: Services, asker: Asker, jobs: readonly Job[]): Promise<Job[]> {
  const answers = await Promise.all(jobs.map((job) => may(services, asker, job, 'status')))
  return jobs.filter((_, at) => answers[at])
}

/** Each with the words of its provider, and the link to its thread. */
export async function withLinks(services: Services, jobs: readonly Job[]): Promise<ListedJob[]> {
  return await Promise.all(
    jobs.map(async (job) => {
      const link = threadLink(services, await readThread(services.db, job.id))
      return { ...(await services.describe(job)), link }
    }),
  )
}

/** What a button carries. Only a hint. */
const Hint = z.object({
  which: z.enum(KINDS).catch('mine'),
  connection: z.string().max(100).optional(),
  person: z
    .string()
    .regex(/^[UW][A-Z0-9]{1,30}$/)
    .optional(),
  page: z.int().min(0).max(1_000).catch(0),
})

function readHint(text: string): z.infer<typeof Hint> {
  try {
    return Hint.parse(JSON.parse(text))
  } catch {
    return { which: 'mine', page: 0 }
  }
}

export function registerList(app: App, services: Services): void {
  const turn = (action: ButtonAction | UsersSelectAction) => {
    if (action.type === 'button') return readHint(action.value ?? '')
    const hint = readHint(action.block_id.replace(/^list /, ''))
    // What is mine is nobody else's.
    return { ...hint, which: hint.which === 'mine' ? ('all' as const) : hint.which, person: action.selected_user }
  }
  for (const action_id of [listActions.page, listActions.which, listActions.person]) {
    app.action<BlockAction<ButtonAction | UsersSelectAction>>(
      { type: 'block_actions', action_id },
      async ({ ack, action, body, respond }) => {
        await ack()
        try {
          const asker = await identifyAsker(services, body, AFTER_ACK_TIMEOUT_MS)
          const { page, ...filter } = turn(action)
          await replaceAnswer(services, respond, await listFor(services, asker, filter, page))
        } catch (error) {
          await answerPrivately(services, respond, errorText(services, error))
        }
      },
    )
  }
}
