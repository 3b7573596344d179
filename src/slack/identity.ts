/** Who the bot is at Slack, asked once: Bolt would ask again before each request, out of its three seconds. */
import type { AuthorizeResult } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'

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
