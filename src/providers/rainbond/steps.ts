/** The three steps of a copy on Rainbond: create the new app, copy into it, start the builds that the server dropped. */
import { z } from 'zod'
import { TemporaryError, UserError, unlessNotFound } from '../../errors.js'
import { type Api, type Ended, findSurely, type Step, withSentence } from '../provider.js'
import { BUSY, listAppsNamed, listComponents, MINUTE_MS, pathOf } from './api.js'
import { listUnbuilt } from './builds.js'
import type { CopyParams } from './form.js'
import { check, consolePageOf, type RainbondRef } from './status.js'
import { selectComponents } from './validate.js'

/** Marks the new app as made by this job. */
export const noteOf = (job: string) => `Made by Dolly, job ${job}.`

const created = z.object({ ID: z.number() })

export const createApp: Step<CopyParams, null, RainbondRef> = {
  id: 'create',
  title: 'Create the new app',
  doing: 'Creating the new app',
  absentAfterMs: 45_000,
  async run(api, params, _before, { job }) {
    const components = await selectComponents(api, params)
    const json = { app_name: params.name, app_note: noteOf(job), k8s_app: `dolly-${job}` }
    const { ID } = await api.post(`${pathOf(params.target)}/apps`, created, { json })
    return newApp(api, { app: `${params.target}/${ID}`, job, components })
  },
  async find(api, params, _before, { job }) {
    const number = await findNewApp(api, params, noteOf(job))
    if (number === null) return null
    const components = await selectComponents(api, params).catch(withEmptyApp(params.name))
    return newApp(api, { app: `${params.target}/${number}`, job, components })
  },
  check,
}

/** It is there at once, and empty. */
function newApp(api: Api, made: Omit<RainbondRef, 'stage'>): Ended<RainbondRef> {
  return { ref: { ...made, stage: 'created' }, ended: 'done', consoleUrl: consolePageOf(api, made.app) }
}

export const copyComponents: Step<CopyParams, RainbondRef, RainbondRef> = {
  id: 'copy',
  title: 'Copy the components',
  doing: 'Copying the components',
  // Sent twice, it makes everything twice; and one that was rolled back leaves components in the cluster. So we never copy
  // into an app that was tried before: `find` never lets it be sent again, and gives up before a person is asked, who
  // could start it over.
  absentAfterMs: Number.MAX_SAFE_INTEGER,
  isOnceOnly: true,
  async baseline(api, params, before) {
    // Read here and not in `run`: a process killed during this read would look as if it had been killed during the copy.
    if (!(await hasComponents(api, before, withEmptyApp(params.name)))) return ''
    throw new UserError(`Someone else has put something into the new app ${params.name}.`)
  },
  async run(api, params, before, { tries }) {
    const explain = withEmptyApp(params.name)
    if (tries > 1 && (await hasComponents(api, before, explain))) return atStage(before, 'copied')
    const services = before.components.split(',').map((service_id) => ({ service_id }))
    const [target_team_name, target_region_name, number] = before.app.split('/')
    const json = { services, target_team_name, target_region_name, target_app_id: Number(number) }
    // Its answer leaves out components and their status, so we read what was made in the new app.
    const timeoutMs = 2 * MINUTE_MS + services.length * 10_000
    await api.post(`${pathOf(params.app)}/copy`, z.unknown(), { json, timeoutMs }).catch(explain)
    return atStage(before, 'copied')
  },
  async find(api, { name }, before, { searchedForMs }) {
    // A step that can't be looked up for six hours is put to a person, so give up before. One read may take minutes.
    const isTooLong = searchedForMs >= 4 * 60 * MINUTE_MS
    const isCopied = await hasComponents(api, before, (error) => {
      if (!isTooLong) throw error
      throw new UserError(`Rainbond can't be asked whether the copy was made. Look there whether ${name} is empty.`)
    })
    if (isCopied) return atStage(before, 'copied')
    // Three calls to the region for each component, of up to 35 seconds.
    const maxCopyMs = Math.max(3 * MINUTE_MS, before.components.split(',').length * 105_000)
    if (searchedForMs < maxCopyMs) return null
    throw new UserError(`Rainbond's answer was lost, and ${name} is empty.`)
  },
  check,
}

export const build: Step<CopyParams, RainbondRef, RainbondRef> = {
  id: 'build',
  title: 'Build and start',
  doing: 'Building and starting',
  // Safe to repeat: whatever has a build by now is left alone.
  async run(api, _params, before, { now }) {
    for (const { service_id, service_cname } of await listUnbuilt(api, before.app, now)) {
      const started = api.post(`${pathOf(before.app)}/services/${service_id}/build`, z.unknown(), { json: {} })
      await started.catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error
        const later = { mayHaveHappened: false, retryAfterMs: MINUTE_MS / 2 }
        if (error.status === BUSY) throw new TemporaryError(error.message, later)
        throw new UserError(`Copied, but the build of ${service_cname} can't be started. ${error.message}`)
      })
    }
    return atStage(before, 'built')
  },
  async find(api, _params, before, { now }) {
    return (await listUnbuilt(api, before.app, now)).length > 0 ? null : atStage(before, 'built')
  },
  check,
}

/** A write takes its time, so the wait for what it started counts from the first poll. */
function atStage(ref: RainbondRef, stage: 'copied' | 'built'): RainbondRef {
  return { ...ref, stage, polledAt: undefined, stageMs: undefined }
}

/** The number of the app that was made with this note. */
async function findNewApp(api: Api, { target, name }: CopyParams, note: string): Promise<number | null> {
  const found = findSurely(await listAppsNamed(api, target, name), (one) => {
    // Without a note somebody else made it; but a row without a readable name may be anything.
    const isOthers =
      typeof one.note === 'string' ? one.note !== note : one.note === null && one.group_name !== undefined
    if ((one.group_name ?? name) !== name || isOthers) return false
    return (one.group_name !== undefined && one.note !== undefined && one.ID !== undefined) || undefined
  })
  return found?.ID ?? null
}

/** A copy is one transaction: it makes all components or none. `orElse` throws the error to report when a read fails. */
async function hasComponents(api: Api, { app }: RainbondRef, orElse: (error: unknown) => never): Promise<boolean> {
  const all = await unlessNotFound(listComponents(api, app)).catch(orElse)
  if (!all) throw new UserError('The new app is gone.')
  return findSurely(all, (one) => (one ? true : undefined)) !== null
}

/** For `catch`: adds to a refusal that the new app stays behind. */
function withEmptyApp(name: string): (error: unknown) => never {
  return (error) => {
    throw withSentence(`The new app ${name} stays, and it is empty.`, error)
  }
}
