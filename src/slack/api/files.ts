/** Sends a file to one person's direct messages with Dolly. */
import type { WebClient } from '@slack/web-api'
import { slackErrorCode } from './errors.js'

/** What Slack answers when the operator granted no such right. */
const MISSING_RIGHT = ['missing_scope', 'not_allowed_token_type', 'no_permission']

/**
 * Uploads a text and shares it there. Needs the scopes files:write and im:write, which are optional.
 *
 * @returns false when Dolly doesn't have them; then nothing was sent.
 */
export async function sendFile(
  client: WebClient,
  user: string,
  { filename, content, comment }: { filename: string; content: string; comment: string },
): Promise<boolean> {
  try {
    const { channel } = await client.conversations.open({ users: user })
    if (!channel?.id) return false
    await client.filesUploadV2({ channel_id: channel.id, filename, content, initial_comment: comment })
    return true
  } catch (error) {
    if (MISSING_RIGHT.includes(slackErrorCode(error) ?? '')) return false
    throw error
  }
}
