/** A person's initials on a colour of their own; the bot's sheep. */
import { Emoji } from '../blocks/emoji.js'

export function Avatar({ name, isBot = false }: { name: string; isBot?: boolean }) {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('')
  return (
    <span
      className={isBot ? 'avatar is-bot' : 'avatar'}
      style={isBot ? {} : { '--hue': hueOf(name) }}
      aria-hidden="true"
    >
      {isBot ? <Emoji name="sheep" known="🐑" /> : initials}
    </span>
  )
}

/** The same angle on the colour wheel for the same name; the factor keeps like names apart. */
function hueOf(name: string): number {
  const sum = [...name].reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 9973, 7)
  return (sum * 149) % 360
}
