/** The deletion of a new app on Rainbond, whether its components were copied, built and started or not. */
import { z } from 'zod'
import { ConnectionError, unlessNotFound } from '../../errors.js'
import { type Api, checkGone, type Lookup, type Removal, removalStep, settleEach } from '../provider.js'
import { MINUTE_MS, pathOf } from './api.js'
import type { RainbondRef } from './status.js'
import { noteOf } from './steps.js'

const SEND_MS = 2 * MINUTE_MS
/** The request deletes component by component, also when nobody waits for its answer any more. */
const ABSENT_AFTER_MS = 10 * MINUTE_MS

const app = z.object({ ID: z.number(), note: z.string().nullish() })
/** `place` is the whole ref: team/region/number. */
type App = z.infer<typeof app> & { place: string }

export const removal: Removal<RainbondRef> = {
  loses: 'The app with all its components, their configuration, and all data in their volumes.',
  steps: [
    removalStep<RainbondRef, App>({
      noun: 'app',
      absentAfterMs: ABSENT_AFTER_MS,
      read: (api, ref) => readApp(api, ref.app),
      // The delete call takes any app, running or not, and asks for no right to do so; and a number may be used again.
      isOurs: ({ note, place }, ref) => note === noteOf(ref.job) && place === ref.app,
      isDeleting: () => false,
      async send(api, ref) {
        const path = `${pathOf(ref.app).replace('/apps/', '/app/')}/delete`
        await api.delete(path, z.unknown(), { timeoutMs: SEND_MS }).catch(async (error: unknown) => {
          // Rainbond has only a stack trace for an app that somebody else deleted just now.
          const isGone =
            error instanceof ConnectionError && (await readApp(api, ref.app).catch(() => undefined)) === null
          if (!isGone) throw error
        })
      },
      check: checkGone(
        (ref) => ref.app,
        lookUp,
        () => 'still there',
      ),
    }),
  ],
}

async function readApp(api: Api, place: string): Promise<App | null> {
  const found = await unlessNotFound(api.get(pathOf(place), app))
  return found && { ...found, place: place.replace(/\d+$/, `${found.ID}`) }
}

/** One list for each team and region. Where one can't be read, its apps are read one by one, and each says why not. */
function lookUp(api: Api, refs: readonly RainbondRef[]): Lookup<App> {
  const places = [...new Set(refs.map((ref) => ref.app.replace(/\/\d+$/, '')))]
  const entries = z.array(app.nullable().catch(null))
  return {
    async list() {
      const lists = await settleEach(places, async (place) => {
        const all = await api.get(`${pathOf(place)}/apps`, entries)
        return all.flatMap((one) => (one ? { ...one, place: `${place}/${one.ID}` } : []))
      })
      return lists.flatMap((one) => (one instanceof Error ? [] : one))
    },
    id: ({ place }) => place,
    one: (place) => readApp(api, place),
  }
}
