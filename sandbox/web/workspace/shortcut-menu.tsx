/** The app's global shortcuts, beside the box to write in. */
import { MenuButton } from '../menu.js'
import { post, sentenceOf } from './api.js'
import { useWorkspace } from './context.js'

export function ShortcutMenu() {
  const { snapshot, notify } = useWorkspace()
  const { me, app, bot } = snapshot
  const items = app.shortcuts
    .filter(({ type }) => type === 'global')
    .map(({ callbackId, name, description }) => ({
      key: callbackId,
      label: name,
      more: `${bot.name} · ${description}`,
      onSelect: () =>
        post('shortcut', { user: me.id, callbackId }).catch((error: unknown) => notify(sentenceOf(error))),
    }))
  if (items.length === 0) return null
  return (
    <MenuButton label="Shortcuts" className="shortcuts" items={items}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M9.2 1 3 9h4l-.6 6L13 6.6H8.6Z" fill="currentColor" />
      </svg>
      Shortcuts
    </MenuButton>
  )
}
