/** The live lists behind the questions of Cloud Foundry's forms. */
import { z } from 'zod'
import { type Api, describedOption, type Option, placedSource, rows, type Values } from '../provider.js'
import { item, link, listWith } from './api.js'

// Nothing can be written to a suspended organization or space, not even a copy of what is there: they are left out.
export const pickers = { apps, spaces, services }

/** A space, or the organization that it is in. */
const place = item.extend({
  name: z.string(),
  suspended: z.boolean().nullish(),
  relationships: z.object({ organization: link }).optional(),
})
const app = item.extend({
  name: z.string(),
  state: z.string().optional(),
  lifecycle: z.object({ type: z.string() }).optional(),
  relationships: z.object({ space: link }),
})

async function apps(api: Api): Promise<Option[]> {
  const query = { include: 'space.organization', order_by: 'name' }
  const { rows: all, others } = await listWith(api, '/v3/apps', rows(api, app), rows(api, place), query)
  return all.flatMap(({ guid, name, state, lifecycle, relationships }) => {
    const space = others.get(relationships.space ?? '')
    const organization = others.get(space?.relationships?.organization ?? '')
    if (space?.suspended || organization?.suspended) return []
    // People and access rules know an app that is overwritten by its label alone, so its place belongs in it.
    const label = space ? `${name} in ${withOrganization(space.name, organization)}` : name
    const option = describedOption(guid, label, state?.toLowerCase(), lifecycle?.type)
    // The row of its space or organization may be unreadable.
    return organization ? option : { ...option, from: placedSource(name, null) }
  })
}

async function spaces(api: Api): Promise<Option[]> {
  const query = { include: 'organization', order_by: 'name' }
  const { rows: all, others } = await listWith(api, '/v3/spaces', rows(api, place), rows(api, place), query)
  return all.flatMap(({ guid, name, suspended, relationships }) => {
    const organization = others.get(relationships?.organization ?? '')
    return suspended || organization?.suspended ? [] : [{ value: guid, label: withOrganization(name, organization) }]
  })
}

const binding = z.object({ relationships: z.object({ service_instance: link }) })
const service = item.extend({ name: z.string(), type: z.string().nullish() })

async function services(api: Api, { app }: Values): Promise<Option[]> {
  if (!app) return []
  const path = '/v3/service_credential_bindings'
  const query = { app_guids: app, type: 'app', include: 'service_instance' }
  const { rows: all, others } = await listWith(api, path, rows(api, binding), rows(api, service), query)
  return all
    .flatMap(({ relationships }) => others.get(relationships.service_instance ?? '') ?? [])
    .map(({ guid, name, type }) => describedOption(guid, name, type))
}

/** A space as it is told from others of its name. */
function withOrganization(space: string, organization?: { name: string }): string {
  return organization ? `${space} (${organization.name})` : space
}
