/** The left column: the workspace, its conversations, and the people to act as. */

import { Avatar } from './avatar.js'
import { useWorkspace } from './context.js'
import { useUnread } from './use-unread.js'

interface SidebarProps {
  /** Whether the open conversation's messages are in view, and not the app's Home tab. */
  isReading: boolean
  onChannel(id: string): void
  onUser(id: string): void
}

export function Sidebar({ onChannel, onUser, isReading }: SidebarProps) {
  const { snapshot, channel: current } = useWorkspace()
  const { me, people, bot, channels, team } = snapshot
  const unread = useUnread(snapshot, isReading ? current : '')

  const list = (isDirect: boolean) =>
    channels
      .filter((channel) => channel.isDirect === isDirect)
      .map((channel) => (
        <li key={channel.id}>
          <button
            type="button"
            className={`conversation${unread.has(channel.id) ? ' is-unread' : ''}`}
            aria-current={channel.id === current ? 'page' : undefined}
            onClick={() => onChannel(channel.id)}
          >
            {isDirect ? (
              <Avatar name={bot.name} isBot />
            ) : (
              <span className="hash" aria-hidden="true">
                #
              </span>
            )}
            <span className="conversation-name">{isDirect ? bot.name : channel.name}</span>
            {isDirect && <span className="app-badge">APP</span>}
            {unread.has(channel.id) && <span className="unread" role="img" aria-label="new messages" />}
          </button>
        </li>
      ))

  return (
    <nav className="sidebar" aria-label="Workspace">
      <header className="team">
        <span className="team-tile" aria-hidden="true">
          {team.charAt(0)}
        </span>
        <span>
          <strong>{team}</strong>
          <small>Paddock sandbox</small>
        </span>
      </header>
      <div className="conversations">
        <h2 id="channels">Channels</h2>
        <ul aria-labelledby="channels">{list(false)}</ul>
        <h2 id="apps">Apps</h2>
        <ul aria-labelledby="apps">{list(true)}</ul>
      </div>
      <fieldset className="people">
        <legend>You are</legend>
        {people
          .filter(({ hasLeft }) => !hasLeft)
          .map((person) => (
            <button
              key={person.id}
              type="button"
              className="person"
              aria-label={person.realName}
              aria-pressed={person.id === me.id}
              onClick={() => onUser(person.id)}
            >
              <Avatar name={person.realName} />
              <span>
                {person.realName}
                <small>{person.title}</small>
              </span>
            </button>
          ))}
      </fieldset>
    </nav>
  )
}
