/** Dates as a chat shows them: Slack's `<!date^…>` formats, times beside messages, days between them. */

const LOCALE = 'en-US'
const DAY_MS = 86_400_000

/** Fills in Slack's date format, such as `{date_short_pretty} at {time}`. Unknown words in braces stay. */
export function formatDate(date: Date, format: string, now: Date): string {
  return format.replaceAll(/\{(\w+)\}/g, (token, name: string) => formatToken(date, name, now) ?? token)
}

function formatToken(date: Date, name: string, now: Date): string | null {
  const shown = (options: Intl.DateTimeFormatOptions) => date.toLocaleString(LOCALE, options)
  const pretty = (options: Intl.DateTimeFormatOptions) => nearDay(date, now)?.toLowerCase() ?? shown(options)
  switch (name) {
    case 'date_num':
      return [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-')
    case 'date_slash':
      return [twoDigits(date.getMonth() + 1), twoDigits(date.getDate()), date.getFullYear()].join('/')
    case 'date':
      return shown({ dateStyle: 'long' })
    case 'date_short':
      return shown({ dateStyle: 'medium' })
    case 'date_long':
      return shown({ dateStyle: 'full' })
    case 'date_pretty':
      return pretty({ dateStyle: 'long' })
    case 'date_short_pretty':
      return pretty({ dateStyle: 'medium' })
    case 'date_long_pretty':
      return pretty({ dateStyle: 'full' })
    case 'time':
      return shown({ timeStyle: 'short' })
    case 'time_secs':
      return shown({ timeStyle: 'medium' })
    case 'ago':
      return ago(date, now)
    default:
      return null
  }
}

/** When a message was sent: its `ts` is in seconds, with decimals. */
export function messageDate(ts: string): Date {
  return new Date(Number(ts) * 1000)
}

/** "2:05 PM" */
export function clockTime(date: Date): string {
  return date.toLocaleTimeString(LOCALE, { timeStyle: 'short' })
}

/** "Today", "Yesterday" or "Friday, November 21". */
export function dayName(date: Date, now: Date): string {
  return nearDay(date, now) ?? date.toLocaleDateString(LOCALE, { weekday: 'long', month: 'long', day: 'numeric' })
}

function nearDay(date: Date, now: Date): string | null {
  const days = Math.round((startOfDay(date) - startOfDay(now)) / DAY_MS)
  return { [-1]: 'Yesterday', 0: 'Today', 1: 'Tomorrow' }[days] ?? null
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}

function ago(date: Date, now: Date): string {
  const seconds = (date.getTime() - now.getTime()) / 1000
  const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' })
  if (Math.abs(seconds) < 60) return relative.format(Math.round(seconds), 'second')
  if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), 'minute')
  if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
