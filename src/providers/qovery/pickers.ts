/** The live lists behind the questions of Qovery's forms. */
import { z } from 'zod'
import { type Api, describedOption, type Option, rows } from '../provider.js'
import { environment, item, KINDS, organizationOf, results } from './api.js'

export const pickers = { services, environments, projects: listed('project'), clusters: listed('cluster') }

const text = z.string()
const service = item.extend({ name: text, service_type: text, project_name: text, environment_name: text })
const named = item.extend({ name: text, region: text.nullish() })

async function services(api: Api): Promise<Option[]> {
  const all = await listOf(api, 'services', service)
  return all.flatMap(({ id, name, service_type, project_name, environment_name }) => {
    const kind = service_type.toLowerCase()
    const label = `${name} (${project_name} / ${environment_name})`
    return KINDS.includes(kind) ? [describedOption(`${kind}/${id}`, label, kind)] : []
  })
}

async function environments(api: Api): Promise<Option[]> {
  const projects = await listOf(api, 'project', named)
  return (await listOf(api, 'environments', environment)).flatMap(({ id, name, mode, project }) => {
    const place = projects.find((one) => one.id === project.id)?.name
    // Left out without its project: access rules compare the name with its place.
    return place ? [describedOption(id, `${name} (${place})`, mode.toLowerCase())] : []
  })
}

function listed(list: 'project' | 'cluster') {
  return async (api: Api): Promise<Option[]> =>
    (await listOf(api, list, named)).map(({ id, name, region }) => describedOption(id, name, region))
}

async function listOf<T>(api: Api, list: string, row: z.ZodType<T>): Promise<T[]> {
  return await api.get(`/organization/${await organizationOf(api)}/${list}`, results(rows(api, row)))
}
