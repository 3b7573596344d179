/** Who the bot is at Slack, asked once: Bolt would ask again before each request, out of its three seconds. */
import type { AuthorizeResult } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'

/**
 * Slack's words for a token that will never do. Its other words pass, and what is no word at all is a page of something
 * between us and Slack, which the client hands on as if Slack had said it.
 */
const REFUSALS = new Set([
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
  return REFUSALS.has(code)
}

export class Identity {
  readonly client: WebClient
  #asked: Promise<void> | undefined
  #facts: AuthorizeResult
  /** Root of the workspace's message links, such as `https://woolworks.slack.com/`. */
  workspaceUrl = 'https://slack.com/'
  /** What Slack granted the token; undefined where it did not say. */
  scopes: readonly string[] | undefined

  constructor(client: WebClient, botToken: string) {
    this.client = client
    this.#facts = { botToken }
  }

  /**
   * What is known without asking: a request must not wait for it, and where Slack cannot say it Bolt would answer with
   * silence, which closes a form. Each answer is a copy, because Bolt writes the person behind a request into the one it gets.
   */
  known(): AuthorizeResult {
    return { ...this.#facts }
  }

  /** Rejects when Slack cannot be asked, or refuses the token; the next call then asks again. */
  async get(): Promise<AuthorizeResult> {
    this.#asked ??= this.#ask().catch((error: unknown) => {
      this.#asked = undefined
      throw error
    })
    await this.#asked
    return this.known()
  }

  async #ask(): Promise<void> {
    const { url, user_id, bot_id, team_id, response_metadata } = await this.client.auth.test()
    this.scopes = response_metadata?.scopes
    if (url) this.workspaceUrl = url
    this.#facts = {
      ...this.#facts,
      ...(user_id ? { botUserId: user_id } : {}),
      ...(bot_id ? { botId: bot_id } : {}),
      ...(team_id ? { teamId: team_id } : {}),
    }
  }
}
