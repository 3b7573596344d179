/** Whether a Slack id is that of a channel, not of a person or of direct messages. */
export function isChannel(id: string): boolean {
  return /^[CG]/.test(id)
}
