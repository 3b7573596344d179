/** The questions of Cloud Foundry's two forms, and the live lists behind them. */
import { z } from 'zod'
import { type Api, describedOption, type Option, rows, UNKNOWN_PLACE, type Values, yesNo } from '../provider.js'
import { item, link, listWith } from './api.js'

export const MAX_HOST_LENGTH = 63
const NAME_RULE = 'Use 1 to 255 printable characters.'
const HOST_RULE = 'Use 1 to 63 letters, digits, hyphens or underscores.'

/** In lowercase, as the API has them: two spellings of one GUID are one lock. */
const guid = z.guid('Choose from the list, or paste a GUID.').toLowerCase()
const appField = (title: string, description: string) => guid.meta({ title, description, picker: 'apps' })
const text = (maxLength: number, rule: string) => z.string().trim().min(1, rule).max(maxLength, rule)

export const cloneFields = z
  .object({
    app: appField('App', 'Its newest uploaded code is copied.'),
    space: guid.meta({ title: 'Target space', description: 'In any organization.', picker: 'spaces' }),
    name: text(255, NAME_RULE)
      .regex(/^\P{C}*$/u, NAME_RULE)
      .meta({
        title: 'Name of the clone',
        suggestFrom: 'app',
        description: "Must be unused in the space (case doesn't matter).",
      }),
    address: yesNo('Give it an address', 'In the default domain, if the source has one or you type a host name.', true),
    host: text(MAX_HOST_LENGTH, HOST_RULE)
      .regex(/^[\w-]*$/, HOST_RULE)
      .optional()
      .meta({
        title: 'Host name',
        description: 'The first part of the address. Leave it empty to use the name of the clone.',
      }),
    environment: yesNo('Copy environment variables', 'Including the secrets in them.', true),
    size: yesNo('Copy the size', 'Instances, memory, disk and health checks of each process.', true),
    services: z
      .array(guid)
      .default([])
      .meta({
        title: 'Services to share',
        description: "The clone is bound to the same services and uses the source's data.",
        picker: 'services',
        dependsOn: ['app'],
      }),
    fastPath: yesNo('Copy the staged build', 'What is deployed now. Staging it again needs an upload of the code.'),
    start: yesNo('Start the clone', 'Otherwise it stays stopped.', true),
  })
  .refine(({ address, host }) => address || host === undefined, {
    path: ['host'],
    message: 'Tick "Give it an address", or leave this empty.',
  })
export type CloneParams = z.infer<typeof cloneFields>

export const copyFields = z
  .object({
    app: appField('App to copy from', 'Its newest uploaded code is copied.'),
    target: appField('App to overwrite', 'It keeps everything but its code.'),
    restart: yesNo('Stage and restart it', 'With a short interruption. Otherwise its old code keeps running.', true),
  })
  .refine(({ app, target }) => app !== target, { path: ['target'], message: 'Choose an app other than the source.' })
export type CopyParams = z.infer<typeof copyFields>

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
    return organization ? option : { ...option, from: `${name} in ${UNKNOWN_PLACE}` }
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
