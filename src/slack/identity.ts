/** Who the bot is at Slack, asked once: Bolt would ask again before each request, out of its three seconds. */
import type { AuthorizeResult } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'

/**
 * Slack's words for a token that will never do. Its other words pass, and what is no word at all is a page of something
 * between us and Slack, which the client hands on as if Slack had said it.
 */
const refusals = new Set([
  'invalid_auth',
  'not_authed',
  'not_allowed_token_type',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'user_removed_from_team',
  'team_access_not_granted',
  'org_login_required',
  'enterprise_is_restricted',
  'ekm_access_denied',
  'access_denied',
  'missing_scope',
  'no_permission',
])

/** Whether this error code of Slack's says that the token is refused for good, and not that Slack has a bad moment. */
export function isTokenRefused(code: string): boolean {
  return refusals.has(code)
}

export class Identity {
  readonly client: WebClient
  readonly #botToken: string
  #known: Promise<AuthorizeResult> | undefined
  /** Root of the workspace's message links, such as `https://woolworks.slack.com/`. */
  workspaceUrl = 'https://slack.com/'
  /** What Slack granted the token; undefined where it did not say. */
  scopes: readonly string[] | undefined

  constructor(client: WebClient, botToken: string) {
    this.client = client
    this.#botToken = botToken
  }

  /**
   * Rejects when Slack cannot be asked, or refuses the token; the next call then asks again. Each answer is a copy, because
   * Bolt writes the person behind a request into the one it gets.
   */
  async get(): Promise<AuthorizeResult> {
    this.#known ??= this.#ask().catch((error: unknown) => {
      this.#known = undefined
      throw error
    })
    return { ...(await this.#known) }
  }

  async #ask(): Promise<AuthorizeResult> {
    const { url, user_id, bot_id, team_id, response_metadata } = await this.client.auth.test()
    this.scopes = response_metadata?.scopes
    if (url) this.workspaceUrl = url
    return {
      botToken: this.#botToken,
      ...(user_id ? { botUserId: user_id } : {}),
      ...(bot_id ? { botId: bot_id } : {}),
      ...(team_id ? { teamId: team_id } : {}),
    }
  }
}
