/** The questions of Qovery's two forms, what follows from their answers alone, and the live lists behind them. */
import { z } from 'zod'
import { type Api, describedOption, type Option, rows, yesNo } from '../provider.js'
import { environment, item, KINDS, organizationOf, results } from './api.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const KIND_AND_ID = new RegExp(`^(${KINDS.join('|')})/${UUID.source.slice(1)}`)
const LIKE_SOURCE = "Leave empty to keep the source's."

const answer = z.string().trim().toLowerCase()
const id = answer.regex(UUID, 'Choose from the list, or paste an ID such as 3c90c3cc-0d44-4b50-8888-8dd25736052a.')
const serviceId = answer.regex(KIND_AND_ID, 'Choose from the list, or type kind and ID: job/3c90c3cc-…')
const name = answer.regex(/^[a-z0-9-]{1,63}$/, 'Use 1 to 63 letters, digits or hyphens.')

const common = (suggestFrom: string) => ({
  name: name.meta({ title: 'Name of the clone', suggestFrom, description: 'Must be unused where the clone goes.' }),
  deploy: yesNo('Deploy the clone', "Otherwise it's only configured: Qovery doesn't deploy clones by itself.", true),
  applyTerraform: yesNo('Apply Terraform', 'Creates real infrastructure. Without it, Terraform is not deployed.'),
})
export const serviceFields = z.object({
  service: serviceId.meta({ title: 'Service', description: 'Cloned without its data.', picker: 'services' }),
  environment: id.meta({ title: 'Target environment', description: 'In any project.', picker: 'environments' }),
  ...common('service'),
})
export const environmentFields = z.object({
  environment: id.meta({ title: 'Environment', description: 'Cloned without its data.', picker: 'environments' }),
  // Qovery would default to the source's. Then the lock couldn't tell that two jobs have one target.
  project: id.meta({ title: 'Target project', description: 'Where the clone goes.', picker: 'projects' }),
  cluster: id.optional().meta({ title: 'Target cluster', description: LIKE_SOURCE, picker: 'clusters' }),
  mode: z
    .enum(['DEVELOPMENT', 'PREVIEW', 'STAGING', 'PRODUCTION'], 'Choose one from the list.')
    .optional()
    .meta({ title: 'Mode', description: LIKE_SOURCE }),
  applyDeploymentRule: yesNo('Apply deployment rule', "The project's rules, such as working hours."),
  ...common('environment'),
})
export type ServiceParams = z.infer<typeof serviceFields>
export type EnvironmentParams = z.infer<typeof environmentFields>
export type CloneParams = ServiceParams | EnvironmentParams

/** The kind of what is cloned, as paths spell it. */
export function kindOf(params: CloneParams): string {
  return 'service' in params ? (params.service.split('/')[0] ?? '') : 'environment'
}

/** Whether the clone will be deployed. */
export function isDeployed(params: CloneParams): boolean {
  return params.deploy && (params.applyTerraform || kindOf(params) !== 'terraform')
}

/** The list that the clone will be in. Its name must be unused there; names are unique for each kind of service. */
export function siblingsPath(params: CloneParams): string {
  const place = 'project' in params ? `project/${params.project}` : `environment/${params.environment}`
  return `${place}/${kindOf(params)}`
}

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
