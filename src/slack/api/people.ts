/** What Slack says about people and user groups, asked when a rule needs it and cached for five minutes. */
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Person } from '../../access/rules.js'
import { plainText } from '../../lib/text.js'
import { slackErrorCode } from './errors.js'

/** Somebody who is deactivated or leaves a group keeps their rights for at most this long. */
const TTL_MS = 5 * 60_000
const MAX_PEOPLE = 2_000
/** A name that a clone may be called by. */
const MAX_HANDLE_LENGTH = 40
/** Fewer, because each person may be in thousands of channels. */
const MAX_CHANNEL_LISTS = 200

const PAGE_SIZE = 999
/** Channels of one person beyond these pages are not read. */
const MAX_PAGES = 5

/** From docs.slack.dev/reference/objects/user-object. Slack leaves a flag out, or sends null, instead of false. */
const User = z.object({
  user: z.object({
    id: z.string().nullish(),
    team_id: z.string().nullish(),
    name: z.string().nullish(),
    profile: z.object({ display_name: z.string().nullish() }).nullish(),
    deleted: z.boolean().nullish(),
    is_bot: z.boolean().nullish(),
    is_restricted: z.boolean().nullish(),
    is_ultra_restricted: z.boolean().nullish(),
    is_stranger: z.boolean().nullish(),
    /** Only for people in an organization with several workspaces. */
    enterprise_user: z.object({ id: z.string().nullish(), teams: z.array(z.string()).nullish() }).nullish(),
  }),
})
const Group = z.object({ users: z.array(z.string()) })
/** From docs.slack.dev/reference/objects/conversation-object. */
const ChannelPage = z.object({
  channels: z.array(
    z.object({
      id: z.string(),
      is_shared: z.boolean().optional(),
      is_org_shared: z.boolean().optional(),
      is_ext_shared: z.boolean().optional(),
      is_pending_ext_shared: z.boolean().optional(),
    }),
  ),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
})

/**
 * A sentence for each scope that the rules need and Slack did not grant. None while `granted` is unknown because Slack is
 * down: looking up a person then fails, and nothing is allowed.
 */
export function missingScopes(granted: readonly string[] | undefined, groups: readonly string[]): string[] {
  const needed = [['users:read', 'Every access rule needs it to tell members from guests']]
  if (groups[0] !== undefined) needed.push(['usergroups:read', `An access rule names the user group ${groups[0]}`])
  return needed
    .filter(([scope = '']) => granted?.includes(scope) === false)
    .map(
      ([scope, why]) =>
        `SLACK_BOT_TOKEN lacks the scope ${scope}. ${why}. Reinstall the Slack app with the scopes in manifest.yml.`,
    )
}

/** The part of Slack's Web API used here. Rejects with Slack's error code in `data.error`. */
export interface Directory {
  users: { info(args: { user: string }): Promise<unknown> }
  usergroups: { users: { list(args: { usergroup: string }): Promise<unknown> } }
}

/** How to find out which channels somebody is in. */
export interface ChannelSource {
  /** `users.conversations`. */
  list(args: {
    user: string
    types: string
    exclude_archived: boolean
    limit: number
    cursor?: string
  }): Promise<unknown>
  /** What Slack granted; undefined where it did not say. */
  scopes(): readonly string[] | undefined
  /** Whether channels shared with another company may be chosen. */
  mayBeShared: boolean
}

/** The workspaces that a request itself names: the one it came to, and the one the person is signed in to. */
export interface RequestTeams {
  team?: string | undefined
  userTeam?: string | undefined
}

/** What Slack says about a person, independent of the request. */
interface Profile {
  /** What people call them, such as "ada". */
  handle: string
  membership: Person['membership']
  /** Workspaces the person belongs to: their own and, in an organization, the others that Slack lists. */
  teams: readonly string[]
  /** Only the workspaces of the organization. */
  organizationTeams: readonly string[]
  ids: readonly string[]
}

export interface PeopleOptions {
  slack: Directory
  /** The bot's own workspace; undefined while unknown, and then nobody counts as a member. */
  team(): Promise<string | undefined>
  /** The user groups that rules name. */
  groups: readonly string[]
  /** Left out if nobody may choose a channel. */
  channels?: ChannelSource
  /** Monotonic milliseconds: a wall clock that is set back would extend somebody's rights. */
  elapsed(): number
  log: { error(fields: object, message: string): void }
}

export class People {
  readonly #options: PeopleOptions
  readonly #profileOf: (id: string) => Promise<Profile>
  readonly #membersOf: (group: string) => Promise<ReadonlySet<string>>
  readonly #channelsOf: (id: string) => Promise<ReadonlyMap<string, { isShared: boolean }>>

  constructor(options: PeopleOptions) {
    this.#options = options
    const { elapsed } = options
    this.#profileOf = cached(elapsed, MAX_PEOPLE, (id) => this.#askProfile(id))
    this.#membersOf = cached(elapsed, MAX_PEOPLE, (group) => this.#askGroup(group))
    this.#channelsOf = cached(elapsed, MAX_CHANNEL_LISTS, (id) => this.#askChannels(id))
  }

  /**
   * Who this is. Everyone is a stranger whom Slack doesn't list in our workspace, or whose request came to another one.
   *
   * @throws the error of the request to Slack; callers then allow nothing.
   */
  async get(id: string, { team, userTeam }: RequestTeams): Promise<Person> {
    const [own, profile, ...groups] = await Promise.all([
      this.#options.team(),
      this.#profileOf(id),
      ...this.#options.groups.map(async (group) => ({ group, members: await this.#membersOf(group) })),
    ])
    // People of another company can press our buttons in a shared channel. Somebody signed in to another workspace of our
    // organization may belong to ours as well.
    const isToOurTeam = own !== undefined && (team ?? userTeam) === own
    const isOurs =
      isToOurTeam &&
      profile.teams.includes(own) &&
      ((userTeam ?? own) === own || profile.organizationTeams.includes(own))
    const otherIds = profile.ids.filter((other) => other !== id)
    return {
      id,
      ...(otherIds.length > 0 ? { otherIds } : {}),
      ...(profile.handle === '' ? {} : { handle: profile.handle }),
      membership: isOurs ? profile.membership : 'stranger',
      groups: groups
        .filter(({ members }) => [id, ...otherIds].some((one) => members.has(one)))
        .map(({ group }) => group),
    }
  }

  /**
   * As `get`, for somebody who isn't asking anything now, such as the person behind a job.
   *
   * @throws as `get`.
   */
  async lookUp(id: string): Promise<Person> {
    return await this.get(id, { team: await this.#options.team() })
  }

  /** Which channels people can choose for a thread, beside the one where they opened the form. */
  get choosableChannels(): 'none' | 'inside' | 'all' {
    const { channels } = this.#options
    if (!channels || typesFor(channels) === '') return 'none'
    return channels.mayBeShared ? 'all' : 'inside'
  }

  /**
   * Whether a person can choose a channel for a thread: 'joined' if they are in it, 'shared' if another company is in it
   * too, 'unconfirmed' if Slack doesn't show that they are in it.
   *
   * @throws the error of the request to Slack.
   */
  async channelStatus(id: string, channel: string): Promise<'joined' | 'shared' | 'unconfirmed'> {
    if (this.choosableChannels === 'none') return 'unconfirmed'
    const found = (await this.#channelsOf(id)).get(channel)
    if (!found) return 'unconfirmed'
    return found.isShared && !this.#options.channels?.mayBeShared ? 'shared' : 'joined'
  }

  async #askProfile(id: string): Promise<Profile> {
    try {
      const { user } = User.parse(await this.#options.slack.users.info({ user: id }))
      const { team_id: home, enterprise_user: organization } = user
      const organizationTeams = organization?.teams ?? []
      const isStranger = user.deleted || user.is_bot || user.is_stranger
      const isGuest = user.is_restricted || user.is_ultra_restricted
      return {
        handle: plainText(user.profile?.display_name || user.name || '', MAX_HANDLE_LENGTH),
        membership: isStranger ? 'stranger' : isGuest ? 'guest' : 'member',
        teams: [...(home ? [home] : []), ...organizationTeams],
        organizationTeams,
        ids: [...new Set([user.id ?? [], organization?.id ?? []].flat())],
      }
    } catch (error) {
      // No such person, or none that this workspace can see.
      if (['user_not_found', 'user_not_visible'].includes(slackErrorCode(error)))
        return { handle: '', membership: 'stranger', teams: [], organizationTeams: [], ids: [] }
      throw error
    }
  }

  async #askChannels(id: string): Promise<ReadonlyMap<string, { isShared: boolean }>> {
    const { channels: source } = this.#options
    const found = new Map<string, { isShared: boolean }>()
    let cursor: string | undefined
    for (let page = 0; source && page < MAX_PAGES && cursor !== ''; page += 1) {
      const args = { user: id, types: typesFor(source), exclude_archived: true, limit: PAGE_SIZE }
      const answer = ChannelPage.parse(await source.list(cursor === undefined ? args : { ...args, cursor }))
      for (const one of answer.channels) {
        const isSharedOutside = one.is_ext_shared || one.is_pending_ext_shared || (one.is_shared && !one.is_org_shared)
        found.set(one.id, { isShared: isSharedOutside === true })
      }
      cursor = answer.response_metadata?.next_cursor ?? ''
    }
    return found
  }

  async #askGroup(id: string): Promise<ReadonlySet<string>> {
    try {
      return new Set(Group.parse(await this.#options.slack.usergroups.users.list({ usergroup: id })).users)
    } catch (error) {
      if (slackErrorCode(error) !== 'no_such_subteam') throw error
      this.#options.log.error({ group: id }, 'an access rule names a user group that Slack does not know')
      return new Set()
    }
  }
}

/** The kinds of channels that the token may list; empty without either scope. */
function typesFor({ scopes }: ChannelSource): string {
  const kinds = { 'channels:read': 'public_channel', 'groups:read': 'private_channel' }
  const granted = Object.entries(kinds).filter(([scope]) => scopes()?.includes(scope))
  return granted.map(([, kind]) => kind).join(',')
}

/**
 * Answers by id, cached. All who ask at the same time share one request; a failure is not kept.
 *
 * @param elapsed monotonic milliseconds.
 */
function cached<T>(elapsed: () => number, max: number, ask: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const answers = new LRUCache<string, Promise<T>>({
    max,
    // lru-cache keeps an entry through the last millisecond of its time.
    ttl: TTL_MS - 1,
    ttlResolution: 0,
    // An entry made at 0 would never expire.
    perf: { now: () => elapsed() + 1 },
  })
  return (id) => {
    const known = answers.get(id)
    if (known) return known
    const answer = ask(id)
    answers.set(id, answer)
    answer.catch(() => {
      if (answers.peek(id) === answer) answers.delete(id)
    })
    return answer
  }
}
