/** What Hoody would refuse, found out before anything is asked of it. Reads only. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import {
  envelope,
  GONE,
  ID,
  IN_PROGRESS,
  listProject,
  listProjects,
  listServers,
  snapshotNames,
  status,
  text,
} from './lists.js'

const container = z.object({
  status,
  server_id: text.nullish().catch(null),
  // Absent for what is no copy; what cannot be read is not taken for that.
  source_container_id: text.nullish().catch('unknown'),
})
type Found = z.infer<typeof container>

interface Copy {
  container: string
  project: string
  name: string
  server?: string | undefined
  snapshot?: string | undefined
}

export function validateCopy(api: Api, copy: Copy): Promise<Validation> {
  const source = readFor('container', containerOf(api, copy.container))
  return runChecks([
    source.then(refuseBusy),
    refuseInProject(api, copy),
    refuseFullServer(api, copy, source),
    refuseGoneSnapshot(api, copy),
  ])
}

export function validateSync(api: Api, { container }: { container: string }): Promise<Validation> {
  return runChecks([
    readFor('container', containerOf(api, container)).then(async (copy) => {
      refuseBusy(copy)
      const { source_container_id: source } = copy
      if (!source)
        throw refusal('container', 'This container was not made by copying, so nothing can be synced into it.')
      if (!ID.test(source)) return
      const found = await unlessNotFound(containerOf(api, source))
      if (found && !GONE.includes(found.status)) return
      throw refusal('container', 'The source of this copy was deleted, or the token of this connection may not see it.')
    }),
  ])
}

const containerOf = (api: Api, id: string) => api.get(`/api/v1/containers/${id}`, envelope(container))

function refuseBusy({ status }: Found): void {
  if (GONE.includes(status)) throw refusal('container', 'This container was deleted.')
  if (IN_PROGRESS.includes(status))
    throw refusal('container', `This container is busy (${status}). Try again when that has ended.`)
}

async function refuseInProject(api: Api, { project, name }: Copy): Promise<void> {
  const [there, projects] = await Promise.all([readFor('project', listProject(api, project)), listProjects(api)])
  if (there.some((one) => one.name === name && one.status !== 'deleted'))
    throw refusal('name', `The project already has a container called ${name}. Choose another name.`)
  const most = projects.find(({ id }) => id === project)?.max_containers ?? Infinity
  if (there.filter((one) => !GONE.includes(one.status)).length >= most)
    throw refusal('project', `The project has reached its limit of ${most} containers. Delete one or choose another.`)
}

async function refuseFullServer(api: Api, { server }: Copy, source: Promise<Found>): Promise<void> {
  const [servers, { server_id }] = await Promise.all([listServers(api), source])
  const target = servers.find(({ id }) => id === (server ?? server_id))
  if (!target?.container_capacity) return
  const { name, container_capacity: room } = target
  if (room.used >= room.max)
    throw refusal('server', `${name} is full: ${room.used} of ${room.max} containers used. Choose another server.`)
}

async function refuseGoneSnapshot(api: Api, { container, snapshot }: Copy): Promise<void> {
  if (snapshot === undefined) return
  // Whether an alias will do in place of a name is not documented.
  const isIt = (names: readonly string[] | undefined) => names?.includes(snapshot)
  if (findSurely(await snapshotNames(api, container), isIt)) return
  throw refusal('snapshot', 'This container has no such snapshot any more. Choose another, or leave this empty.')
}
