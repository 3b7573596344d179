/** Who the bot is at Slack, asked once: Bolt would ask before each request, which must be answered within three seconds. */
import type { AuthorizeResult } from '@slack/bolt'
import type { WebClient } from '@slack/web-api'

export class Identity {
  readonly client: WebClient
  #request: Promise<void> | undefined
  #identity: AuthorizeResult
  /** Root of the workspace's message links, such as `https://woolworks.slack.com/`. */
  workspaceUrl = 'https://slack.com/'
  /** Scopes of the token; undefined if Slack did not say. */
  scopes: readonly string[] | undefined

  constructor(client: WebClient, botToken: string) {
    this.client = client
    this.#identity = { botToken }
  }

  /**
   * What is known without asking Slack: a request can't wait for that, and if it fails Bolt sends no answer, which closes a
   * form. Returns a copy, because Bolt writes the person behind a request into it.
   */
  known(): AuthorizeResult {
    return { ...this.#identity }
  }

  /** Rejects when Slack can't be reached or refuses the token; the next call then asks again. */
  async get(): Promise<AuthorizeResult> {
    this.#request ??= this.#ask().catch((error: unknown) => {
      this.#request = undefined
      throw error
    })
    await this.#request
    return this.known()
  }

  async #ask(): Promise<void> {
    const { url, user_id, bot_id, team_id, response_metadata } = await this.client.auth.test()
    this.scopes = response_metadata?.scopes
    if (url) this.workspaceUrl = url
    this.#identity = {
      ...this.#identity,
      ...(user_id ? { botUserId: user_id } : {}),
      ...(bot_id ? { botId: bot_id } : {}),
      ...(team_id ? { teamId: team_id } : {}),
    }
  }
}
