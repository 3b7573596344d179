/** What Slack says of people and user groups, asked when a rule needs it and remembered for five minutes. */
import { z } from 'zod'
import type { Person } from '../../access/rules.js'

/** How long a fact is good for, in milliseconds: who is deactivated or leaves a group has no rights after that. */
const LIST_TTL_MS = 5 * 60_000
const MOST_REMEMBERED = 2_000
/** Each person may be in thousands of channels. */
const MOST_CHANNEL_LISTS = 200

/** More channels of one person are not read: pages of so many. */
const PAGE_SIZE = 999
const MAX_PAGES = 5

/** Of docs.slack.dev/reference/objects/user-object; Slack leaves flags out rather than sending false; a null is nothing either. */
const User = z.object({
  user: z.object({
    id: z.string().nullish(),
    team_id: z.string().nullish(),
    deleted: z.boolean().nullish(),
    is_bot: z.boolean().nullish(),
    is_restricted: z.boolean().nullish(),
    is_ultra_restricted: z.boolean().nullish(),
    is_stranger: z.boolean().nullish(),
    /** Of a person of an organization with several workspaces. */
    enterprise_user: z.object({ id: z.string().nullish(), teams: z.array(z.string()).nullish() }).nullish(),
  }),
})
const Group = z.object({ users: z.array(z.string()) })
/** Of docs.slack.dev/reference/objects/conversation-object. */
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
 * Sentences about what the rules need and Slack did not grant. None where Slack did not tell what it granted, because it
 * is away: then the first question about a person fails, and nothing is allowed.
 */
export function missingScopes(granted: readonly string[] | undefined, groups: readonly string[]): string[] {
  const needed = [
    { scope: 'users:read', why: 'every rule of access needs it, to tell members from guests' },
    ...(groups.length > 0
      ? [{ scope: 'usergroups:read', why: `a rule of access names the user group ${groups[0]}` }]
      : []),
  ]
  return needed
    .filter(({ scope }) => granted !== undefined && !granted.includes(scope))
    .map(
      ({ scope, why }) =>
        `Slack has not granted ${scope} to SLACK_BOT_TOKEN: ${why}. Reinstall the app with that scope, as manifest.yml has it.`,
    )
}

/** The part of Slack's Web API that is asked here. Rejects with Slack's word in `data.error`. */
export interface Directory {
  users: { info(args: { user: string }): Promise<unknown> }
  usergroups: { users: { list(args: { usergroup: string }): Promise<unknown> } }
}

/** How to learn which channels somebody is in. */
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
  membership: Person['membership']
  /** Workspaces the person belongs to: their own, and in an organization all that Slack names beside it. */
  teams: readonly string[]
  /** Those of the organization alone. */
  sisters: readonly string[]
  ids: readonly string[]
}

export interface PeopleOptions {
  slack: Directory
  /** The bot's own workspace; undefined while Slack has not told it, and then nobody belongs to it. */
  team(): Promise<string | undefined>
  /** The user groups that matter. */
  groups: readonly string[]
  /** Left out if nobody may choose a channel. */
  channels?: ChannelSource
  /** Milliseconds by a clock that nobody sets: a jump of the other would prolong somebody's rights. */
  elapsed(): number
  log: { error(fields: object, message: string): void }
}

export class People {
  readonly #options: PeopleOptions
  readonly #profiles: Remembered<Profile>
  readonly #groups: Remembered<ReadonlySet<string>>
  readonly #channels: Remembered<ReadonlyMap<string, { isShared: boolean }>>

  constructor(options: PeopleOptions) {
    this.#options = options
    this.#profiles = new Remembered(options.elapsed, (id) => this.#askProfile(id))
    this.#groups = new Remembered(options.elapsed, (id) => this.#askGroup(id))
    this.#channels = new Remembered(options.elapsed, (id) => this.#askChannels(id), MOST_CHANNEL_LISTS)
  }

  /**
   * Who this is. Only somebody whom Slack counts to our workspace, and whose request came to it, is no stranger.
   *
   * @throws whatever kept Slack from answering; nothing is known then, and so nothing is allowed.
   */
  async get(id: string, { team, userTeam }: RequestTeams): Promise<Person> {
    const [own, profile, ...groups] = await Promise.all([
      this.#options.team(),
      this.#profiles.get(id),
      ...this.#options.groups.map(async (group) => ({ group, members: await this.#groups.get(group) })),
    ])
    // In a channel shared with another company its people see our buttons and can press them. Who is signed in to a sister
    // workspace of our organization may belong to ours as well.
    const cameToUs = own !== undefined && (team ?? userTeam) === own
    const isOurs =
      cameToUs && profile.teams.includes(own) && ((userTeam ?? own) === own || profile.sisters.includes(own))
    const otherIds = profile.ids.filter((other) => other !== id)
    return {
      id,
      ...(otherIds.length > 0 ? { otherIds } : {}),
      membership: isOurs ? profile.membership : 'stranger',
      groups: groups
        .filter(({ members }) => [id, ...otherIds].some((one) => members.has(one)))
        .map(({ group }) => group),
    }
  }

  /** Which channels may be chosen for a thread beside the one where the form was opened. */
  get choosableChannels(): 'none' | 'inside' | 'all' {
    const { channels } = this.#options
    if (!channels || typesFor(channels) === '') return 'none'
    return channels.mayBeShared ? 'all' : 'inside'
  }

  /**
   * Whether a person is in a channel and may choose it for a thread: 'shared' is one that another company is in too, and
   * 'unconfirmed' one in which Slack does not show them to Dolly.
   *
   * @throws the error that kept Slack from answering; nothing is confirmed then.
   */
  async channelStatus(id: string, channel: string): Promise<'theirs' | 'shared' | 'unconfirmed'> {
    if (this.choosableChannels === 'none') return 'unconfirmed'
    const found = (await this.#channels.get(id)).get(channel)
    if (!found) return 'unconfirmed'
    return found.isShared && !this.#options.channels?.mayBeShared ? 'shared' : 'theirs'
  }

  async #askProfile(id: string): Promise<Profile> {
    try {
      const { user } = User.parse(await this.#options.slack.users.info({ user: id }))
      const { team_id: home, enterprise_user: organization } = user
      const sisters = organization?.teams ?? []
      const isNobody = user.deleted || user.is_bot || user.is_stranger
      const isGuest = user.is_restricted || user.is_ultra_restricted
      return {
        membership: isNobody ? 'stranger' : isGuest ? 'guest' : 'member',
        teams: [...(home ? [home] : []), ...sisters],
        sisters,
        ids: [...new Set([user.id ?? [], organization?.id ?? []].flat())],
      }
    } catch (error) {
      // Slack knows nobody by this id, or nobody whom this workspace may see.
      if (['user_not_found', 'user_not_visible'].includes(codeOf(error)))
        return { membership: 'stranger', teams: [], sisters: [], ids: [] }
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
      if (codeOf(error) !== 'no_such_subteam') throw error
      this.#options.log.error({ group: id }, 'a rule of access names a user group that Slack does not know')
      return new Set()
    }
  }
}

/** What Slack may be asked about; empty where it granted neither. */
function typesFor({ scopes }: ChannelSource): string {
  const granted = scopes() ?? []
  const kinds = [
    ...(granted.includes('channels:read') ? ['public_channel'] : []),
    ...(granted.includes('groups:read') ? ['private_channel'] : []),
  ]
  return kinds.join(',')
}

/** Answers by id, each asked for once by all who want it at the same time. A failure is not remembered. */
class Remembered<T> {
  readonly #elapsed: () => number
  readonly #ask: (id: string) => Promise<T>
  readonly #most: number
  readonly #answers = new Map<string, { answer: Promise<T>; until: number }>()

  constructor(elapsed: () => number, ask: (id: string) => Promise<T>, most = MOST_REMEMBERED) {
    this.#elapsed = elapsed
    this.#ask = ask
    this.#most = most
  }

  get(id: string): Promise<T> {
    const known = this.#answers.get(id)
    if (known && known.until > this.#elapsed()) return known.answer
    const entry = { answer: this.#ask(id), until: this.#elapsed() + LIST_TTL_MS }
    this.#answers.delete(id)
    this.#answers.set(id, entry)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > this.#most && oldest !== undefined) this.#answers.delete(oldest)
    entry.answer.catch(() => {
      if (this.#answers.get(id) === entry) this.#answers.delete(id)
    })
    return entry.answer
  }
}

/** Slack's word for what went wrong, such as `user_not_found`. */
function codeOf(error: unknown): string {
  const data = error instanceof Error && 'data' in error ? error.data : undefined
  return z.object({ error: z.string() }).safeParse(data).data?.error ?? ''
}
