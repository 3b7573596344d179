/** What can be done with a message: answer in its thread, copy its link, use one of the app's shortcuts on it. */
import type { Message } from '../../slack/protocol.js'
import { MenuButton } from '../menu.js'
import { post, sentenceOf } from './api.js'
import { useWorkspace } from './context.js'

export function MessageTools({ message, onReply }: { message: Message; onReply: (() => void) | undefined }) {
  const { snapshot, notify } = useWorkspace()
  const { me, app, bot } = snapshot
  const { channel, ts, threadTs } = message

  function copyLink() {
    const inThread = threadTs && threadTs !== ts ? `?thread_ts=${threadTs}&cid=${channel}` : ''
    const link = `${window.location.origin}/archives/${channel}/p${ts.replace('.', '')}${inThread}`
    navigator.clipboard.writeText(link).then(
      () => notify('Link copied.'),
      () => notify(link),
    )
  }

  const shortcuts = app.shortcuts.filter(({ type }) => type === 'message')
  const items = [
    { key: 'link', label: 'Copy link', onSelect: copyLink },
    ...shortcuts.map(({ callbackId, name, description }) => ({
      key: callbackId,
      label: name,
      more: `${bot.name} · ${description}`,
      onSelect: () =>
        post('message-shortcut', { user: me.id, callbackId, channel, ts }).catch((error: unknown) =>
          notify(sentenceOf(error)),
        ),
    })),
  ]
  return (
    <div className="message-tools">
      {onReply && (
        <button type="button" onClick={onReply}>
          Reply in thread
        </button>
      )}
      <MenuButton label="More actions" className="more" items={items}>
        <span aria-hidden="true">⋮</span>
      </MenuButton>
    </div>
  )
}
