/** What Hoody would refuse, found out before the job starts. Reads only. */
import { z } from 'zod'
import { unlessNotFound } from '../../errors.js'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import {
  DELETED,
  envelope,
  ID,
  IN_PROGRESS,
  listProject,
  listProjects,
  listServers,
  listSnapshotNames,
  status,
} from './api.js'
import type { CopyParams, SyncParams } from './form.js'

const container = z.object({
  status,
  server_id: z.string().trim().nullish().catch(null),
  // Missing if it isn't a copy; an unreadable value doesn't mean that.
  source_container_id: z.string().trim().nullish().catch('unknown'),
})
type Container = z.infer<typeof container>

export function validateCopy(api: Api, params: CopyParams): Promise<Validation> {
  const source = readFor('container', readContainer(api, params.container))
  return runChecks([
    source.then(refuseBusy),
    refuseInProject(api, params),
    refuseFullServer(api, params, source),
    refuseMissingSnapshot(api, params),
  ])
}

export function validateSync(api: Api, { container }: SyncParams): Promise<Validation> {
  return runChecks([
    readFor('container', readContainer(api, container)).then(async (copy) => {
      refuseBusy(copy)
      const { source_container_id: source } = copy
      if (!source) throw refusal('container', "This container isn't a copy, so it has no source to sync with.")
      if (!ID.test(source)) return
      const found = await unlessNotFound(readContainer(api, source))
      if (found && !DELETED.includes(found.status)) return
      throw refusal('container', "The source of this copy was deleted, or this connection's token can't see it.")
    }),
  ])
}

function readContainer(api: Api, id: string): Promise<Container> {
  return api.get(`/api/v1/containers/${id}`, envelope(container))
}

function refuseBusy({ status }: Container): void {
  if (DELETED.includes(status)) throw refusal('container', 'This container was deleted.')
  if (IN_PROGRESS.includes(status))
    throw refusal('container', `This container is busy (${status}). Try again when it's done.`)
}

async function refuseInProject(api: Api, { project, name }: CopyParams): Promise<void> {
  const [containers, projects] = await Promise.all([readFor('project', listProject(api, project)), listProjects(api)])
  if (containers.some((one) => one.name === name && one.status !== 'deleted'))
    throw refusal('name', `The project already has a container called ${name}. Choose another name.`)
  const max = projects.find(({ id }) => id === project)?.max_containers ?? Infinity
  if (containers.filter((one) => !DELETED.includes(one.status)).length >= max)
    throw refusal(
      'project',
      `The project has reached its limit of ${max} containers. Delete one or choose another project.`,
    )
}

async function refuseFullServer(api: Api, { server }: CopyParams, source: Promise<Container>): Promise<void> {
  const [servers, { server_id }] = await Promise.all([listServers(api), source])
  const { name, container_capacity: capacity } = servers.find(({ id }) => id === (server ?? server_id)) ?? {}
  if (capacity && capacity.used >= capacity.max)
    throw refusal(
      'server',
      `${name} is full: ${capacity.used} of ${capacity.max} containers used. Choose another server.`,
    )
}

async function refuseMissingSnapshot(api: Api, { container, snapshot }: CopyParams): Promise<void> {
  if (snapshot === undefined) return
  // Hoody doesn't document whether it takes an alias instead of a name, so either is fine here.
  const names = await listSnapshotNames(api, container)
  if (findSurely(names, (one) => one?.includes(snapshot))) return
  throw refusal('snapshot', 'This container no longer has this snapshot. Choose another, or leave this empty.')
}
