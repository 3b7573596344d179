/** What a screen reader says for a message: its fallback text without mrkdwn's signs. */
import type { Snapshot } from '../../slack/protocol.js'

/** `:white_check_mark: *<https://x.example|shop>* by <@U1>` → "white check mark shop by @Ann Baker". */
export function spoken(
  text: string,
  { people, channels, groups, bot }: Pick<Snapshot, 'people' | 'channels' | 'groups' | 'bot'>,
): string {
  const nameOf = (id: string) => people.find((one) => one.id === id)?.realName ?? (id === bot.id ? bot.name : id)
  return text
    .replaceAll(/<([@#!]?)([^|>]+)(?:\|([^>]*))?>/g, (_, sign: string, target: string, label?: string) => {
      if (label) return label
      if (sign === '@') return `@${nameOf(target)}`
      if (sign === '#') return `#${channels.find(({ id }) => id === target)?.name ?? target}`
      const group = groups.find(({ id }) => target === `subteam^${id}`)
      return group ? `@${group.name}` : target
    })
    .replaceAll(/:([a-z0-9_+-]+):/g, (all, name: string) => (/[a-z]/.test(name) ? name.replaceAll('_', ' ') : all))
    .replaceAll(/(?<![\p{L}\p{N}])[*_~`]+|[*_~`]+(?![\p{L}\p{N}])/gu, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
