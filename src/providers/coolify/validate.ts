/** What Coolify would refuse, or takes although it can't work. Reads only. */
import { z } from 'zod'
import { type Api, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { type Kind, listEntries, pathOf, word } from './api.js'
import type { Params } from './form.js'

export function validateClone(api: Api, kind: Kind, { source, name, environment }: Params): Promise<Validation> {
  const found = readFor('source', api.get(pathOf(kind, source), z.object({ ports_mappings: word })))
  // New in 4.3.0, as cloning is. The version itself is plain text.
  const canClone = readFor('source', api.get('/team', z.unknown()))
  const isThere = readFor('environment', api.get(`/projects/${environment}`, z.unknown()))
  const ports = found.then(({ ports_mappings: ports }) =>
    ports ? [`The source uses ports of its server (${ports}). The two can't run there at the same time.`] : [],
  )
  return runChecks([found, canClone, refuseTakenName(api, kind, name), isThere], [ports])
}

async function refuseTakenName(api: Api, kind: Kind, name: string): Promise<void> {
  if ((await listEntries(api, kind)).some((one) => one.name === name))
    throw refusal('name', `Coolify already has one called ${name}. Choose another name.`)
}
