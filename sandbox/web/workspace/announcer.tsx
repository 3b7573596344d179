/** Says new messages of the open conversation to a screen reader, which would otherwise read every button in them. */
import { useEffect, useRef, useState } from 'react'
import { useWorkspace } from './context.js'
import { spoken } from './plain.js'

const MAX_KEPT = 20

export function Announcer({ threadTs }: { threadTs: string | null }) {
  const { snapshot, channel } = useWorkspace()
  const { messages, me, people, bot } = snapshot
  const here = `${me.id} ${channel} ${threadTs}`
  const last = useRef({ here: '', ts: 0 })
  const [said, setSaid] = useState<readonly { key: string; sentence: string }[]>([])

  useEffect(() => {
    const shown = messages.filter(
      (one) => one.channel === channel && (!one.threadTs || one.threadTs === one.ts || one.threadTs === threadTs),
    )
    const newest = Math.max(0, ...shown.map(({ ts }) => Number(ts)))
    const before = last.current
    last.current = { here, ts: newest }
    // What was there when the conversation was opened is read on demand.
    if (before.here !== here) return
    const fresh = shown.filter(({ ts, user }) => Number(ts) > before.ts && user !== me.id)
    if (fresh.length === 0) return
    const sentences = fresh.map(({ ts, user, text }) => {
      const author = people.find(({ id }) => id === user)?.realName ?? (user === bot.id ? bot.name : 'Slackbot')
      return { key: `${user} ${ts}`, sentence: `${author}: ${spoken(text, snapshot)}` }
    })
    // Only what is added is read, so that two messages at once are both heard.
    setSaid((before) => [...before, ...sentences].slice(-MAX_KEPT))
  }, [messages, channel, threadTs, here, me.id, people, bot, snapshot])

  return (
    <div className="unseen" role="status" aria-live="polite" aria-label="New messages">
      {said.map(({ key, sentence }) => (
        <p key={key}>{sentence}</p>
      ))}
    </div>
  )
}
