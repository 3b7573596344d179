/** What hangs under a message: its files and reactions. */
import type { Message } from '../../slack/protocol.js'
import { LibraryBlocks } from '../blocks/library-blocks.js'

export function MessageExtras({ message }: { message: Message }) {
  return (
    <>
      {message.files?.map(({ id, title, name, size, url }) => (
        <a key={id} className="file" href={url} download={name}>
          <span className="file-kind" aria-hidden="true">
            {name.split('.').at(-1)?.slice(0, 4).toUpperCase()}
          </span>
          <span>
            <strong>{title || name}</strong>
            <small>{size < 1000 ? `${size} bytes` : `${Math.round(size / 1000)} kB`} · Download</small>
          </span>
        </a>
      ))}
      {message.reactions && (
        <ul className="reactions" aria-label="Reactions">
          {message.reactions.map(({ name, users }) => (
            <li key={name} aria-label={`${name.replaceAll('_', ' ')}, ${users.length}`}>
              <LibraryBlocks blocks={[{ type: 'section', text: { type: 'mrkdwn', text: `:${name}:` } }]} />
              {users.length}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
