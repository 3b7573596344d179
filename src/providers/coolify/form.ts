/** The questions of Coolify's forms, and the live lists behind them. */
import { z } from 'zod'
import { type Api, mapEach, placedOption, rows, yesNo } from '../provider.js'
import { id, type Kind, named, text, word } from './api.js'

const place = text.regex(/^[a-z0-9]{24}\/[a-z0-9]{24}$/, 'Choose from the list, or paste two IDs: project/environment.')
const name = text.regex(/^[\w.-]{1,100}$/, 'Use 1 to 100 letters, digits, dots, hyphens or underscores.')

export const fieldsOf = (kind: Kind, title: string) =>
  z.object({
    source: id.meta({ title, description: 'It keeps running unless you copy its data.', picker: `${kind}s` }),
    // Without one Coolify makes up a name, and a lost clone couldn't be found.
    name: name.meta({ title: 'Name of the clone', suggestFrom: 'source', description: 'Must be unused in the team.' }),
    environment: place.meta({ title: 'Target environment', description: 'Where it goes.', picker: 'environments' }),
    destination: id.meta({ title: 'Target server', description: 'Where it runs.', picker: 'destinations' }),
    deploy: yesNo('Deploy the clone', "Otherwise it stays stopped: Coolify doesn't start clones by itself.", true),
    volumes: yesNo('Copy data in volumes', 'Stops the source during the copy. You deploy the clone afterwards.'),
  })
export type Params = z.infer<ReturnType<typeof fieldsOf>>

/** Nothing tells when the data is there, and what starts earlier starts without it. */
export const isDeployed = ({ deploy, volumes }: Params) => deploy && !volumes

export const pickers = {
  applications: sources('application'),
  services: sources('service'),
  databases: sources('database'),
  environments,
  destinations,
}

function sources(kind: Kind) {
  return async (api: Api) => {
    const source = named.extend({ status: word, environment_id: z.number().catch(0) })
    const all = await api.get(`/${kind}s`, rows(api, source))
    // Without its place a source can still be chosen, unless a rule asks for that.
    const places = new Map((await environments(api).catch(() => [])).map(({ id, label }) => [id, label]))
    return all.map((one) => placedOption(one.uuid, one.name, places.get(one.environment_id), one.status))
  }
}

/** All of them: no list has those of several projects. */
export async function environments(api: Api) {
  const row = named.extend({ id: z.number() })
  const lists = await mapEach(await api.get('/projects', rows(api, named)), async ({ uuid, name }) => {
    const all = await api.get(`/projects/${uuid}/environments`, rows(api, row))
    return all.map((one) => ({ id: one.id, value: `${uuid}/${one.uuid}`, label: `${name} / ${one.name}` }))
  })
  return lists.flat()
}

/** The networks of all servers but those that only build. */
async function destinations(api: Api) {
  const server = named.extend({ settings: z.object({ is_build_server: z.boolean() }) })
  const servers = new Map((await api.get('/servers', rows(api, server))).map((one) => [one.uuid, one]))
  const all = await api.get('/destinations', rows(api, named.extend({ server_uuid: text })))
  const usable = all.filter(({ server_uuid }) => !servers.get(server_uuid)?.settings.is_build_server)
  return usable.map((one) => ({ value: one.uuid, label: `${servers.get(one.server_uuid)?.name} (${one.name})` }))
}
