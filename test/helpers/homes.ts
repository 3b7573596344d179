/** Home tabs as Slack keeps them: one view a person, replaced only by somebody who knows it, within Slack's limits. */
import type { HomeView } from '@slack/types'
import { WebAPIPlatformError } from '@slack/web-api'
import { Home } from '../../sandbox/slack/block-kit.js'
import type { HomeViews } from '../../src/slack/api/home.js'

export interface FakeHomes extends HomeViews {
  /** What a person sees, as one text. */
  shown(person: string): string
  view(person: string): HomeView | undefined
  /** How often anybody's tab was published. */
  count: number
  /** Runs before each view is taken, as somebody who is faster. */
  before: (() => Promise<unknown>) | undefined
  /** Slack's error for the next call. */
  error: string | undefined
}

export function fakeHomes(): FakeHomes {
  const tabs = new Map<string, { view: HomeView; hash: string }>()
  const homes: FakeHomes = {
    count: 0,
    before: undefined,
    error: undefined,
    shown: (person) => JSON.stringify(tabs.get(person)?.view.blocks ?? []),
    view: (person) => tabs.get(person)?.view,
    publish: async ({ user_id, view, hash }) => {
      const { before, error } = homes
      homes.before = undefined
      await before?.()
      homes.error = undefined
      if (error !== undefined) throw new WebAPIPlatformError({ ok: false, error })
      Home.parse(view)
      if (JSON.stringify(view).length > 250_000) throw new WebAPIPlatformError({ ok: false, error: 'view_too_large' })
      if (hash !== undefined && hash !== tabs.get(user_id)?.hash)
        throw new WebAPIPlatformError({ ok: false, error: 'hash_conflict' })
      homes.count += 1
      const now = `hash ${homes.count}`
      tabs.set(user_id, { view, hash: now })
      return { view: { hash: now } }
    },
  }
  return homes
}
