/** The page: who the person is, which conversation and thread are open, and the parts around them. */
import { useCallback, useMemo, useState } from 'react'
import { ConfirmDialog } from './blocks/confirm-dialog.js'
import type { Confirm } from './blocks/types.js'
import { ModalStack } from './modal/modal-stack.js'
import { BehindTheScenes } from './panel/behind-the-scenes.js'
import { Announcer } from './workspace/announcer.js'
import { AppPane } from './workspace/app-pane.js'
import { ChannelPane } from './workspace/channel-pane.js'
import { type Workspace, WorkspaceContext } from './workspace/context.js'
import { parsePermalink } from './workspace/permalink.js'
import { Sidebar } from './workspace/sidebar.js'
import { ThreadPane } from './workspace/thread-pane.js'
import { useNotice } from './workspace/use-notice.js'
import { usePlace } from './workspace/use-place.js'
import { useSnapshot } from './workspace/use-snapshot.js'

const USER_PARAMETER = 'user'

export function App() {
  const [user, setUser] = useState(() => new URL(window.location.href).searchParams.get(USER_PARAMETER))
  const { snapshot, isConnected } = useSnapshot(user)
  const { notice, notify } = useNotice()
  const place = usePlace(snapshot, parsePermalink(window.location.href), notify)
  const { channel, tab, open } = place
  const [question, setQuestion] = useState<{ confirm: Confirm; onConfirm(): void } | null>(null)
  const ask = useCallback<Workspace['ask']>((confirm, onConfirm) => setQuestion({ confirm, onConfirm }), [])
  const isHome = channel?.isDirect === true && tab === 'home' && snapshot?.app.hasHome === true

  const workspace = useMemo<Workspace | null>(
    () => snapshot && { snapshot, channel: channel?.id ?? '', open, ask, notify },
    [snapshot, channel, open, ask, notify],
  )
  const chooseUser = useCallback((id: string) => {
    const url = new URL(window.location.href)
    url.searchParams.set(USER_PARAMETER, id)
    window.history.replaceState(null, '', url)
    setUser(id)
  }, [])

  if (!workspace || !snapshot) {
    return <p className="waiting">{isConnected ? 'Opening the workspace…' : 'The sandbox does not answer yet.'}</p>
  }
  const root = snapshot.messages.find((message) => message.channel === channel?.id && message.ts === place.threadTs)
  return (
    <WorkspaceContext value={workspace}>
      <div className="page">
        <div className="workspace">
          <Sidebar onChannel={(id) => open({ channel: id })} onUser={chooseUser} isReading={!isHome} />
          {channel?.isDirect ? (
            <AppPane
              key={`${channel.id} ${snapshot.me.id}`}
              channel={channel}
              tab={isHome ? 'home' : 'messages'}
              onTab={place.openTab}
              highlight={place.highlight}
            />
          ) : channel ? (
            <ChannelPane key={`${channel.id} ${snapshot.me.id}`} channel={channel} highlight={place.highlight} />
          ) : (
            <main className="pane">
              <p className="waiting">This person is in no conversation.</p>
            </main>
          )}
          {root && !isHome && (
            <ThreadPane
              key={`${root.ts} ${snapshot.me.id}`}
              root={root}
              highlight={place.highlight}
              onClose={place.closeThread}
            />
          )}
        </div>
        <BehindTheScenes />
      </div>
      <Announcer threadTs={place.threadTs} />
      <ModalStack key={snapshot.me.id} />
      {question && (
        <ConfirmDialog
          confirm={question.confirm}
          onConfirm={() => {
            setQuestion(null)
            question.onConfirm()
          }}
          onDeny={() => setQuestion(null)}
        />
      )}
      {!isConnected && (
        <p className="banner" role="status">
          Connection lost. Trying again…
        </p>
      )}
      {isConnected && snapshot.bot.status === 'down' && (
        <p className="banner" role="status">
          The bot was killed. A new process is starting on the same database and picks up where it stopped.
        </p>
      )}
      {notice && (
        <p className="toast" role="status">
          {notice}
        </p>
      )}
    </WorkspaceContext>
  )
}
