/** What Slack says of people and user groups, asked when a rule needs it and remembered for five minutes. */
import { z } from 'zod'
import type { Person } from '../access.js'

/** How long a fact is good for, in milliseconds: who is deactivated or leaves a group has no rights after that. */
const freshMs = 5 * 60_000
const mostRemembered = 2_000

/** Of docs.slack.dev/reference/objects/user-object; Slack leaves flags out rather than sending false. */
const User = z.object({
  user: z.object({
    team_id: z.string().optional(),
    deleted: z.boolean().optional(),
    is_bot: z.boolean().optional(),
    is_restricted: z.boolean().optional(),
    is_ultra_restricted: z.boolean().optional(),
    is_stranger: z.boolean().optional(),
  }),
})
const Group = z.object({ users: z.array(z.string()) })

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

export interface PeopleOptions {
  slack: Directory
  /** The bot's own workspace; undefined while Slack has not told it, and then nobody belongs to it. */
  team(): Promise<string | undefined>
  /** The user groups that matter. */
  groups: readonly string[]
  /** Milliseconds by a clock that nobody sets: a jump of the other would prolong somebody's rights. */
  elapsed(): number
  log: { error(fields: object, message: string): void }
}

export class People {
  readonly #options: PeopleOptions
  readonly #standings: Remembered<Person['standing']>
  readonly #groups: Remembered<ReadonlySet<string>>

  constructor(options: PeopleOptions) {
    this.#options = options
    this.#standings = new Remembered(options.elapsed, (id) => this.#askStanding(id))
    this.#groups = new Remembered(options.elapsed, (id) => this.#askGroup(id))
  }

  /**
   * Who this is. `teams` are the workspaces that the request itself names for the person.
   *
   * @throws whatever kept Slack from answering; nothing is known then, and so nothing is allowed.
   */
  async get(id: string, teams: readonly string[]): Promise<Person> {
    const [own, standing, ...groups] = await Promise.all([
      this.#options.team(),
      this.#standings.get(id),
      ...this.#options.groups.map(async (group) => ((await this.#groups.get(group)).has(id) ? [group] : [])),
    ])
    // In a channel shared with another company its people see our buttons and can press them.
    const isOurs = own !== undefined && teams.every((team) => team === own)
    return { id, standing: isOurs ? standing : 'stranger', groups: groups.flat() }
  }

  async #askStanding(id: string): Promise<Person['standing']> {
    try {
      const { user } = User.parse(await this.#options.slack.users.info({ user: id }))
      const isElsewhere =
        user.is_stranger || (user.team_id !== undefined && user.team_id !== (await this.#options.team()))
      if (user.deleted || user.is_bot || isElsewhere) return 'stranger'
      return user.is_restricted || user.is_ultra_restricted ? 'guest' : 'member'
    } catch (error) {
      // Slack knows nobody by this id, or nobody whom this workspace may see.
      if (['user_not_found', 'user_not_visible'].includes(codeOf(error))) return 'stranger'
      throw error
    }
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

/** Answers by id, each asked for once by all who want it at the same time. A failure is not remembered. */
class Remembered<T> {
  readonly #elapsed: () => number
  readonly #ask: (id: string) => Promise<T>
  readonly #answers = new Map<string, { answer: Promise<T>; until: number }>()

  constructor(elapsed: () => number, ask: (id: string) => Promise<T>) {
    this.#elapsed = elapsed
    this.#ask = ask
  }

  get(id: string): Promise<T> {
    const known = this.#answers.get(id)
    if (known && known.until > this.#elapsed()) return known.answer
    const entry = { answer: this.#ask(id), until: this.#elapsed() + freshMs }
    this.#answers.delete(id)
    this.#answers.set(id, entry)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > mostRemembered && oldest !== undefined) this.#answers.delete(oldest)
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
