/** The pickers, each source with its place, and the checks of a sent form. Reads only. */
import { z } from 'zod'
import { type Api, describedOption, readFor, refusal, rows, runChecks, settleEach, UNKNOWN_PLACE } from '../provider.js'
import { id, text, thing } from './status.js'

const named = z.object({ uuid: id, name: text })
const server = named.extend({ settings: z.object({ is_build_server: z.boolean() }) })

/** No list of Coolify has the environments of several projects. */
export async function environmentsIn(api: Api, project: string, name = '') {
  const all = await api.get(`/projects/${project}/environments`, rows(api, named.extend({ id: z.number() })))
  return all.map((one) => ({ id: one.id, value: `${project}/${one.uuid}`, label: `${name} / ${one.name}` }))
}

/** All environments. One project that cannot be read is an error, or left out where the places are not needed. */
export async function environments(api: Api, isTolerant = false) {
  const projects = await api.get('/projects', rows(api, named))
  return (await settleEach(projects, ({ uuid, name }) => environmentsIn(api, uuid, name))).flatMap((some) => {
    if (!(some instanceof Error)) return some
    if (isTolerant) return []
    throw some
  })
}

export const sources = (kind: string) => async (api: Api) => {
  const all = await api.get(`/${kind}`, rows(api, thing.extend(named.shape)))
  // Without its place a source can be chosen all the same, except where a rule asks for that.
  const places = new Map((await environments(api, true).catch(() => [])).map(({ id, label }) => [id, label]))
  return all.map(({ uuid, name, status, environment_id, destination }) => {
    const place = places.get(environment_id ?? 0)
    return { ...describedOption(uuid, name, place, destination?.server?.name, status), place: place ?? UNKNOWN_PLACE }
  })
}

/** The networks of all servers but those that only build. */
export async function destinations(api: Api) {
  const servers = new Map((await api.get('/servers', rows(api, server))).map((one) => [one.uuid, one]))
  const all = await api.get('/destinations', rows(api, named.extend({ server_uuid: text })))
  return all.flatMap(({ uuid, name, server_uuid }) => {
    const at = servers.get(server_uuid)
    return at?.settings.is_build_server ? [] : [{ value: uuid, label: at ? `${at.name} (${name})` : name }]
  })
}

/** All of a kind, also what cannot be read: where something may be absent, no row may be left out. */
export const everything = (api: Api, kind: string) => api.get(`/${kind}`, z.array(thing.catch({ status: 'unknown' })))

export function validate(api: Api, kind: string, params: Readonly<Record<string, unknown>>) {
  const { source, name, environment, destination } = params
  const found = readFor('source', api.get(`/${kind}/${source}`, thing))
  return runChecks(
    [
      found,
      // New in 4.3.0, as cloning is. The version itself is answered as plain text.
      readFor('source', api.get('/team', z.unknown())),
      everything(api, kind).then((all) => {
        const isTaken = all.some((one) => one.name === name)
        if (isTaken) throw refusal('name', `Coolify already has one called ${name}. Choose another name.`)
      }),
      readFor('environment', environmentsIn(api, `${environment}`.split('/')[0] ?? '')).then((all) => {
        const isThere = all.some(({ value }) => value === environment)
        if (!isThere) throw refusal('environment', "This environment doesn't exist. Choose another one.")
      }),
    ],
    [
      found.then(({ ports_mappings: ports, destination: at }) => {
        const collides = ports && (at?.uuid ?? destination) === destination
        return collides
          ? [`The source uses ports of this server (${ports}). The two can't run there at the same time.`]
          : []
      }),
    ],
  )
}
