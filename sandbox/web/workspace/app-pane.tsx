/** The middle column for the app: its home, in tabs. */
import { type KeyboardEvent, useEffect, useId, useRef } from 'react'
import type { Channel, HomeTab } from '../../slack/protocol.js'
import { post, sentenceOf } from './api.js'
import { Avatar } from './avatar.js'
import { useWorkspace } from './context.js'
import { Conversation } from './conversation.js'
import { HomePage } from './home-page.js'
import type { Highlight } from './use-place.js'

interface AppPaneProps {
  channel: Channel
  tab: HomeTab
  onTab(tab: HomeTab): void
  highlight: Highlight | null
}

const NAMES: Readonly<Record<HomeTab, string>> = { home: 'Home', messages: 'Messages' }

export function AppPane({ channel, tab, onTab, highlight }: AppPaneProps) {
  const id = useId()
  const { snapshot, notify } = useWorkspace()
  const { me, bot, app } = snapshot
  const tabs = (['home', 'messages'] as const).filter((one) => (one === 'home' ? app.hasHome : app.hasMessages))
  const list = useRef<HTMLDivElement>(null)
  const opened = useRef<HomeTab | null>(null)

  // Slack tells the app each time somebody enters a tab.
  useEffect(() => {
    if (opened.current === tab || tabs.length === 0) return
    opened.current = tab
    post('home', { user: me.id, tab }).catch((error: unknown) => notify(sentenceOf(error)))
  }, [tab, tabs.length, me.id, notify])

  function onKeyDown(event: KeyboardEvent) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = by && tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]
    if (!next) return
    event.preventDefault()
    onTab(next)
    list.current?.querySelector<HTMLElement>(`[data-tab=${next}]`)?.focus()
  }

  return (
    <main className="pane" aria-label={bot.name}>
      <header className="pane-head app-head">
        <h1>
          <Avatar name={bot.name} isBot />
          {bot.name}
          <span className="app-badge">APP</span>
        </h1>
      </header>
      <div ref={list} className="tabs" role="tablist" aria-label={bot.name} onKeyDown={onKeyDown}>
        {tabs.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`${id}${one}`}
            data-tab={one}
            aria-selected={one === tab}
            aria-controls={`${id}panel`}
            tabIndex={one === tab ? 0 : -1}
            onClick={() => onTab(one)}
          >
            {NAMES[one]}
          </button>
        ))}
      </div>
      <div id={`${id}panel`} className="tab-panel" role="tabpanel" aria-labelledby={`${id}${tab}`}>
        {tabs.length === 0 && <p className="waiting">This app has no home.</p>}
        {tab === 'home' && app.hasHome && <HomePage />}
        {tab === 'messages' && app.hasMessages && <Conversation channel={channel} highlight={highlight} />}
      </div>
    </main>
  )
}
