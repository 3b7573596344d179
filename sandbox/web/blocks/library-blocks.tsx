/** Blocks that only show something, drawn by the library, with our people, channels, dates and links filled in. */
import { useMemo } from 'react'
import { type Block as LibraryBlock, Message, type MessageProps } from 'slack-blocks-to-jsx'
import { useWorkspace } from '../workspace/context.js'
import { formatDate } from '../workspace/dates.js'
import { Link } from '../workspace/link.js'
import { useNow } from '../workspace/use-now.js'
import { Emoji } from './emoji.js'
import { forLibrary } from './escape.js'
import type { TextObject } from './types.js'

const hooks: NonNullable<MessageProps['hooks']> = {
  link: ({ href, children }) => <Link href={href}>{children}</Link>,
  channel: ({ id, name }) => (
    <Link href={`/archives/${id}`} className="mention">
      #{name}
    </Link>
  ),
  user: ({ name }) => <span className="mention">@{name}</span>,
  usergroup: ({ name }) => <span className="mention">@{name}</span>,
  emoji: (emoji, known) => <Emoji name={emoji.name} known={known(emoji)} />,
  date: ({ timestamp, format, link, fallback }) => <SlackDate {...{ timestamp, format, link, fallback }} />,
}

export function LibraryBlocks({ blocks }: { blocks: readonly unknown[] }) {
  const { people, bot, channels, groups } = useWorkspace().snapshot
  const data = useMemo(
    () => ({ users: [...people, bot], channels: [...channels], user_groups: [...groups] }),
    [people, bot, channels, groups],
  )
  const drawn = useMemo(() => blocks.map(forLibrary) as LibraryBlock[], [blocks])
  return <Message withoutWrapper theme="light" logo="" name="" blocks={drawn} data={data} hooks={hooks} />
}

/** One text object, with emoji, mentions and links. */
export function Text({ text }: { text: TextObject }) {
  const blocks = useMemo(() => [{ type: 'section', text }], [text])
  return <LibraryBlocks blocks={blocks} />
}

interface SlackDateProps {
  timestamp: string
  format: string
  link: string | null
  fallback: string
}

function SlackDate({ timestamp, format, link, fallback }: SlackDateProps) {
  const now = useNow()
  const date = new Date(Number(timestamp) * 1000)
  if (Number.isNaN(date.getTime())) return fallback
  const time = (
    <time dateTime={date.toISOString()} title={formatDate(date, '{date_long} at {time_secs}', now)}>
      {formatDate(date, format, now)}
    </time>
  )
  return link ? <Link href={link}>{time}</Link> : time
}
