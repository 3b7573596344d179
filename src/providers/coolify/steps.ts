/** The three steps of a clone on Coolify: make it, move it to its environment, deploy it. */
import { z } from 'zod'
import { ConnectionError, TemporaryError, UserError } from '../../errors.js'
import { type Api, type Ended, findSurely, foundByName, mapEach, type Step } from '../provider.js'
import { type Entry, id, type Kind, listEntries, pathOf, text } from './api.js'
import { environments, isDeployed, type Params } from './form.js'
import { type CoolifyRef, checkOf, pageOf, readLast } from './status.js'

/** A proxy may hold a request for this long before Coolify gets it. */
const ABSENT_AFTER_MS = 120_000
/** Coolify saves a clone part by part within one request. What is missing this much later never comes. */
const COPYING_MS = 30_000

export function stepsOf(kind: Kind): [Step<Params, null, CoolifyRef>, ...Step<Params, CoolifyRef, CoolifyRef>[]] {
  const check = checkOf(kind)
  const made = (id: string, { environment }: Params): Ended<CoolifyRef> => {
    const page = `/project/${environment.replace('/', '/environment/')}/${kind}/${id}`
    return { ref: { id, page }, ended: 'done' }
  }
  return [
    {
      id: 'clone',
      title: `Clone the ${kind}`,
      doing: `Cloning the ${kind}`,
      absentAfterMs: ABSENT_AFTER_MS,
      async run(api, params) {
        const json = { destination_uuid: params.destination, name: params.name, clone_volumes: params.volumes }
        const { uuid } = await api.post(`${pathOf(kind, params.source)}/clone`, z.object({ uuid: id }), { json })
        return made(uuid, params)
      },
      ...foundByName<Params, null, Entry, CoolifyRef>({
        list: (api) => listEntries(api, kind),
        id: ({ uuid }) => uuid ?? undefined,
        matches: ({ name }, params) => (name ? name === params.name : undefined),
        async made(id, _row, { api, params, attempt: { lost, searchedForMs } }) {
          const isWhole = !lost?.status && (await isCopied(api, kind, params.source, id, searchedForMs))
          if (isWhole) return made(id, params)
          const place = await placeOf(api, kind, id).catch(() => undefined)
          const where = place === undefined ? 'the environment of its source' : `${place.label}, where its source is`
          const detail = `Coolify failed during the copy: variables, volumes or tasks may be missing. It's still in ${where}.`
          const half = made(id, place === undefined ? params : { ...params, environment: place.value })
          return { ...half, ended: 'incomplete', detail, ...(place && { consoleUrl: pageOf(api, half.ref) }) }
        },
      }),
      check,
    },
    {
      // Coolify makes a clone in the environment of its source.
      id: 'move',
      title: 'Move it to the environment',
      doing: 'Moving it to the environment',
      // A move that arrives late sets the same environment once more.
      absentAfterMs: 0,
      async run(api, params, ref) {
        const json = { environment_uuid: params.environment.split('/')[1] }
        await api.post(`${pathOf(kind, ref.id)}/move`, z.unknown(), { json }).catch((error: unknown) => {
          if (!(error instanceof UserError && /already in this environment/.test(error.message))) throw error
        })
        return moved(api, ref, params)
      },
      async find(api, params, ref) {
        const { id } = await api.get(`/projects/${params.environment}`, z.object({ id: z.number() }))
        const clone = await api.get(pathOf(kind, ref.id), z.object({ environment_id: z.number() }))
        return clone.environment_id === id ? moved(api, ref, params) : null
      },
      check,
    },
    {
      id: 'deploy',
      title: 'Deploy the clone',
      doing: 'Deploying the clone',
      absentAfterMs: ABSENT_AFTER_MS,
      when: isDeployed,
      async run(api, _params, ref) {
        const answer = z.object({ deployments: z.tuple([z.object({ message: text.catch('') })], z.unknown()) })
        const { deployments } = await api.post('/deploy', answer, { json: { uuid: ref.id } })
        // Coolify answers 200 even to those who may not deploy.
        if (deployments[0].message.startsWith('Unauthorized'))
          throw new ConnectionError(`Coolify: ${deployments[0].message}`)
        return ref
      },
      async find(api, _params, ref) {
        const last = await readLast(api, kind, ref.id)
        const isStarted = (state: string) => (state.startsWith('unknown') ? undefined : !state.startsWith('exited'))
        return last && findSurely([last], ({ status }) => isStarted(status)) && ref
      },
      check,
    },
  ]
}

/** Whether a clone has all variables of its source. They come last; where there are none, only time tells. */
async function isCopied(api: Api, kind: Kind, source: string, clone: string, searchedForMs: number): Promise<boolean> {
  const listVariables = (id: string) => api.get(`${pathOf(kind, id)}/envs`, z.array(z.unknown()))
  const [all = [], some = []] = await mapEach([source, clone], listVariables)
  const isWhole = some.length >= all.length
  if (searchedForMs < COPYING_MS && !(isWhole && all.length > 0))
    throw new TemporaryError('Coolify may still be copying.', { mayHaveHappened: false })
  return isWhole
}

/** The environment in which a clone really is; undefined if Coolify doesn't list it. */
async function placeOf(api: Api, kind: Kind, clone: string) {
  const { environment_id } = await api.get(pathOf(kind, clone), z.object({ environment_id: z.number() }))
  return (await environments(api)).find(({ id }) => id === environment_id)
}

function moved(api: Api, ref: CoolifyRef, params: Params): Ended<CoolifyRef> {
  const detail = `It isn't started. Deploy it in Coolify ${params.volumes ? 'once its data is there' : 'when you need it'}.`
  const consoleUrl = pageOf(api, ref)
  return { ref, ended: 'done', consoleUrl, ...(!isDeployed(params) && { detail }) }
}
