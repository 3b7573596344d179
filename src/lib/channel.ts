/** Whether a Slack id is a channel's or a group's, not a person's or that of direct messages. */
export function isChannel(id: string): boolean {
  return /^[CG]/.test(id)
}
