import { describe, expect, it } from 'vitest'
import { dayName, formatDate } from '../../../sandbox/web/workspace/dates.js'
import { parsePermalink } from '../../../sandbox/web/workspace/permalink.js'
import { spoken } from '../../../sandbox/web/workspace/plain.js'
import { share } from '../../../sandbox/web/workspace/share.js'

describe('permalinks', () => {
  it('have a channel and a message, on any host', () => {
    const link = { channel: 'C1', ts: '1763717400.000100' }
    expect(parsePermalink('https://any.slack.test/archives/C1/p1763717400000100')).toEqual(link)
    expect(parsePermalink('/archives/C1/p1763717400000100')).toEqual(link)
  })

  it('may have a thread, or no message', () => {
    expect(parsePermalink('https://x.test/archives/C1/p1763717400000200?thread_ts=1763717400.000100&cid=C1')).toEqual({
      channel: 'C1',
      ts: '1763717400.000200',
      threadTs: '1763717400.000100',
    })
    expect(parsePermalink('https://x.test/archives/C1')).toEqual({ channel: 'C1' })
  })

  it.each(['https://x.test/', 'https://x.test/archives', 'https://x.test/archives/C1/other', 'mailto:a@b.test'])(
    'are not %s',
    (address) => expect(parsePermalink(address)).toBeNull(),
  )
})

describe('dates', () => {
  const now = new Date(2026, 10, 21, 12)
  const date = new Date(2026, 10, 21, 9, 5, 7)

  it.each([
    ['{date_num}', '2026-11-21'],
    ['{date_short_pretty} at {time}', 'today at 9:05 AM'],
    ['{time_secs}', '9:05:07 AM'],
    ['{ago}', '3 hours ago'],
    ['{date_long}', 'Saturday, November 21, 2026'],
    ['{unknown}', '{unknown}'],
  ])('fill in %s', (format, expected) => {
    // Some versions of the language's data set a narrow space before AM.
    expect(formatDate(date, format, now).replaceAll('\u202f', ' ')).toBe(expected)
  })

  it('show near days as words', () => {
    expect(dayName(date, now)).toBe('Today')
    expect(dayName(new Date(2026, 10, 20, 23), now)).toBe('Yesterday')
    expect(dayName(new Date(2026, 10, 18), now)).toBe('Wednesday, November 18')
  })
})

describe('sharing between snapshots', () => {
  const old = { messages: [{ ts: '1' }, { ts: '2', text: 'x' }], me: { id: 'U1' } }

  it('returns the old object for an equal one', () => {
    expect(share(old, structuredClone(old))).toBe(old)
  })

  it('keeps every part that did not change', () => {
    const next = { ...structuredClone(old), messages: [{ ts: '1' }, { ts: '2', text: 'y' }, { ts: '3' }] }
    const shared = share(old, next)
    expect(shared).toEqual(next)
    expect(shared.me).toBe(old.me)
    expect(shared.messages[0]).toBe(old.messages[0])
    expect(shared.messages[1]).not.toBe(old.messages[1])
  })

  it('drops what is gone', () => {
    expect(share({ a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 })
    expect(share([1, 2], [1])).toEqual([1])
  })
})

describe('what a screen reader says of a message', () => {
  const person = { id: 'U1', name: 'ann', realName: 'Ann Baker', title: '', hasLeft: false }
  const channel = { id: 'C1', name: 'platform', topic: '', isDirect: false, botIsMember: true }
  const workspace = {
    people: [person],
    groups: [{ id: 'S1', name: 'platform-team' }],
    channels: [channel],
    bot: { id: 'U2', name: 'dolly', status: null },
    time: null,
  }

  it.each([
    [':white_check_mark: *shop-api* is _running_', 'white check mark shop-api is running'],
    ['<https://x.example|shop-api> by <@U1> in <#C1>', 'shop-api by @Ann Baker in #platform'],
    ['Ends <!date^1796025600^{date_short}|Nov 30> at 10:30:45', 'Ends Nov 30 at 10:30:45'],
    ['R&amp;D &lt;labs&gt; in `snake_case_name`', 'R&D <labs> in snake_case_name'],
    ['<https://x.example>', 'https://x.example'],
    ['<!subteam^S1> can approve it', '@platform-team can approve it'],
  ])('is %s without its signs', (text, said) => {
    expect(spoken(text, workspace)).toBe(said)
  })
})
