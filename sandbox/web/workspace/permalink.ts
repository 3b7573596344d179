/** Addresses of messages, as Slack writes them. */

export interface Permalink {
  channel: string
  /** Absent when the address names a channel only. */
  ts?: string
  /** Root of the thread the message is in, where the address says so. */
  threadTs?: string
}

/** A base for addresses without a host; the host is never used. */
const ANY_HOST = 'https://paddock.invalid'

/** Reads `https://<anything>/archives/<channel>/p<ts without dot>`; null for any other address. */
export function parsePermalink(address: string): Permalink | null {
  if (!URL.canParse(address, ANY_HOST)) return null
  const url = new URL(address, ANY_HOST)
  const [, channel, digits] = /^\/archives\/([^/]+)(?:\/p(\d{7,}))?\/?$/.exec(url.pathname) ?? []
  if (!channel) return null
  const threadTs = url.searchParams.get('thread_ts')
  return {
    channel,
    ...(digits ? { ts: `${digits.slice(0, -6)}.${digits.slice(-6)}` } : {}),
    ...(threadTs ? { threadTs } : {}),
  }
}
