/** The live lists behind the questions of Hoody's forms. */
import { type Api, describedOption, type Option, placedSource, UNKNOWN_PLACE, type Values } from '../provider.js'
import { DELETED, ID, IN_PROGRESS, listContainers, listProjects, listServers, listSnapshots } from './api.js'

export const pickers = { containers, copies, projects, servers, snapshots }

async function containers(api: Api): Promise<Option[]> {
  const all = await listContainers(api)
  return all
    .filter(({ status }) => !DELETED.includes(status))
    .map(({ id, name, project_alias: project, status }) => ({
      ...describedOption(id, name, project, status),
      place: project || UNKNOWN_PLACE,
    }))
}

async function copies(api: Api): Promise<Option[]> {
  const all = await listContainers(api)
  return all
    .filter((one) => one.source_container_id && ![...IN_PROGRESS, ...DELETED].includes(one.status))
    .map(({ id, name, project_alias: project, status, source_container_id }) => {
      const source = all.find((one) => one.id === source_container_id)
      // A copy is overwritten, so rules and people know it by its label alone: the project belongs in it.
      const label = project ? `${name} in ${project}` : name
      const option = describedOption(id, label, source && `copy of ${source.name}`, status)
      return source ? { ...option, from: placedSource(source.name, source.project_alias) } : option
    })
}

async function projects(api: Api): Promise<Option[]> {
  return (await listProjects(api)).map(({ id, alias }) => ({ value: id, label: alias }))
}

async function servers(api: Api): Promise<Option[]> {
  return (await listServers(api)).map(({ id, name, city, country, container_capacity: capacity }) => {
    const used = capacity && `${capacity.used} of ${capacity.max} containers used`
    return describedOption(id, name, [city, country].filter(Boolean).join(', '), used)
  })
}

async function snapshots(api: Api, { container = '' }: Values): Promise<Option[]> {
  if (!ID.test(container)) return []
  return (await listSnapshots(api, container)).map(({ name, alias, created_at }) =>
    describedOption(name, alias || name, alias && name, created_at?.slice(0, 10)),
  )
}
