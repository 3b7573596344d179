/** Qovery: clones a service of any kind, or a whole environment, and deploys the clone. */
import { z } from 'zod'
import { ConnectionError, isNotFound, TemporaryError, UserError, unlessNotFound } from '../errors.js'
import {
  type Api,
  type Attempt,
  defineOperation,
  defineProvider,
  describedOption,
  rows,
  type Step,
} from './provider.js'
import {
  deploys,
  type Environment,
  entries,
  environment,
  environmentOf,
  findNamesake,
  kindOf,
  refuseTaken,
  refuseUnasked,
  siblingsOf,
  validateClone,
} from './qovery/checks.js'
import { check, KINDS, lookAtClone, made, type QoveryRef, ref, results } from './qovery/status.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const KIND_AND_ID = new RegExp(`^(${KINDS.join('|')})/${UUID.source.slice(1)}`)
/** A person's token. API tokens have another scheme; a scheme that is written before a token is kept. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/
const HIDDEN = 'Qovery knows no such thing, or gives the token of this connection no access to it (403).'
const BUSY = 'Qovery is busy with another operation there.'
const APPLIES = 'Deploying applies the Terraform code: it makes real infrastructure, which may cost money.'

const connection = z.object({
  url: z.url({ protocol: /^https?$/ }).default('https://api.qovery.com'),
  token: z.string().trim().min(1),
  organization: z.uuid('must be the id that follows /organization/ in the address of the console').optional(),
})

const lower = z.string().trim().toLowerCase()
const id = lower.regex(UUID, 'Choose from the list, or paste an id such as 3c90c3cc-0d44-4b50-8888-8dd25736052a.')
const serviceId = lower.regex(KIND_AND_ID, 'Choose from the list, or type kind and id: job/3c90c3cc-…')
const cloneName = lower.regex(/^[a-z0-9-]{1,63}$/, 'Use 1 to 63 letters, digits or hyphens.')
const flag = (initial: boolean, title: string, description: string) =>
  z.boolean().default(initial).meta({ title, description })
const common = {
  name: cloneName.meta({ title: 'Name of the clone', description: 'Must be new where the clone will live.' }),
  deploy: flag(true, 'Deploy the clone', 'Without it the clone is only configured: Qovery deploys nothing by itself.'),
  applyTerraform: flag(false, 'Apply Terraform', 'It makes real infrastructure: deployed only when ticked as well.'),
}
const serviceFields = z.object({
  service: serviceId.meta({ title: 'Service', description: 'Cloned without its data.', picker: 'services' }),
  environment: id.meta({ title: 'Target environment', description: 'Of any project.', picker: 'environments' }),
  ...common,
})
const mode = z.enum(['DEVELOPMENT', 'PREVIEW', 'STAGING', 'PRODUCTION'])
const AS_ORIGINAL = 'Left empty: as the original.'
const environmentFields = z.object({
  environment: id.meta({ title: 'Environment', description: 'Cloned without its data.', picker: 'environments' }),
  // The vendor would take the original's for granted. Two jobs onto one target could then not be told.
  project: id.meta({ title: 'Target project', description: 'Where the clone will live.', picker: 'projects' }),
  cluster: id.optional().meta({ title: 'Target cluster', description: AS_ORIGINAL, picker: 'clusters' }),
  mode: mode.optional().meta({ title: 'Mode', description: AS_ORIGINAL }),
  applyDeploymentRule: flag(false, 'Apply deployment rule', 'Working hours and the like, as the project sets them.'),
  ...common,
})
type Params = z.infer<typeof serviceFields> | z.infer<typeof environmentFields>

const text = z.string()
const within = <T>(key: string, inner: z.ZodType<T>) => z.object({ [key]: inner }).transform((one) => one[key])
/** The vendor documents no body for errors; this one is what its own clients read. */
const problem = z
  .object({ detail: z.string().nullish(), error: z.string().nullish() })
  .transform(({ detail, error }) => detail || error || undefined)
const listed = made.extend({ name: text, region: text.nullish() })
const service = made.extend({ name: text, service_type: text, project_name: text, environment_name: text })
const commit = z
  .object({ git_repository: z.object({ deployed_commit_id: z.string().min(1) }) })
  .transform((one) => ({ git_commit_id: one.git_repository.deployed_commit_id }))
const tag = z.object({ tag: z.string().min(1) }).transform((one) => ({ image_tag: one.tag }))
const code = z.union([commit, tag, within('docker', commit), within('git', commit), within('image', tag)])
/** What the original runs, as a deploy call wants to hear it: each kind keeps it elsewhere, a database nowhere. */
const version = z
  .union([code, within('source', code), within('terraform_files_source', code)])
  .optional()
  .catch(undefined)

const steps: [Step<Params, null, QoveryRef>, Step<Params, QoveryRef, QoveryRef>] = [
  {
    id: 'clone',
    title: 'Make the clone',
    absentAfterMs: 30_000,
    baseline: refuseTaken,
    run: startClone,
    find: findClone,
    check,
  },
  {
    id: 'deploy',
    title: 'Deploy the clone',
    absentAfterMs: 30_000,
    when: deploys,
    run: startDeployment,
    find: findDeployment,
    check,
  },
]
const lock = (params: Params) => `${siblingsOf(params)}/${params.name}`
const shared = {
  ref,
  lock,
  copiesData: true,
  deadlineMs: 60 * 60_000,
  pollEveryMs: 5_000,
  steps,
  validate: validateClone,
  remove,
}

const clone = defineOperation<z.infer<typeof serviceFields>, QoveryRef>({
  ...shared,
  title: 'Clone a service',
  fields: serviceFields,
  summary: (named) => ({ from: `${named.service}`, to: `${named.name} in ${named.environment}` }),
  preview: (params, named) => ({
    copied: `The configuration of ${named.service ?? 'the service'} with its own variables and secrets, and with automatic deployment where that is on. ${outcome(params, 'at the commit or tag that the original runs, as far as Qovery tells it')}`,
    notCopied: `Data and custom domains${params.service.startsWith('helm/') ? ', and public access until the network settings of the clone are filled in' : ''}. In another environment also the deployment stage and the variables of environment and project.`,
    ...(params.service.startsWith('terraform/') && deploys(params) && { warning: APPLIES }),
  }),
})

const cloneEnvironment = defineOperation<z.infer<typeof environmentFields>, QoveryRef>({
  ...shared,
  title: 'Clone an environment',
  fields: environmentFields,
  summary: ({ environment, name, project, cluster }) => ({
    from: `${environment}`,
    to: `${name} in ${project}${cluster ? ` on ${cluster}` : ''}`,
  }),
  preview: (params, named) => ({
    copied: `All services of ${named.environment ?? 'the environment'} with their configuration, variables and secrets, and with automatic deployment where that is on. ${outcome(params, 'each service at its latest version')}`,
    notCopied: 'The data of databases and volumes, and custom domains.',
    ...(params.deploy && params.applyTerraform && { warning: APPLIES }),
  }),
})

export const qovery = defineProvider({
  id: 'qovery',
  name: 'Qovery',
  connection,
  client: ({ url, token, organization }) => ({
    baseUrl: url,
    settings: { organization },
    headers: { authorization: token.replace(/^(?!(Token|Bearer) )/, JWT.test(token) ? 'Bearer ' : 'Token ') },
    errorMessage: (body) => problem.safeParse(body).data,
    classify({ status, body }) {
      const sentence = problem.safeParse(body).data ?? ''
      if (status === 403) return { blame: 'operator', sentence: `${HIDDEN} ${sentence}`.trim() }
      if (status === 409) return { blame: 'user', sentence: sentence ? `${BUSY} It says: ${sentence}` : BUSY }
      return status === 400 && /(not|n't) exist/i.test(sentence) ? { blame: 'user', sentence, status: 404 } : undefined
    },
  }),
  pickers: {
    async services(api) {
      const services = await listOf(api, 'services', service)
      return services.flatMap(({ id, name, service_type, project_name, environment_name }) => {
        const kind = service_type.toLowerCase()
        const label = `${name} (${project_name} / ${environment_name})`
        return KINDS.includes(kind) ? [describedOption(`${kind}/${id}`, label, kind)] : []
      })
    },
    async environments(api) {
      const projects = await listOf(api, 'project', listed)
      return (await listOf(api, 'environments', environment)).flatMap(({ id, name, mode, project }) => {
        const home = projects.find((one) => one.id === project.id)?.name
        // Without its project it lacks the name that rules compare.
        return home ? [describedOption(id, `${name} (${home})`, mode.toLowerCase())] : []
      })
    },
    projects: async (api) => (await listOf(api, 'project', listed)).map(asOption),
    clusters: async (api) => (await listOf(api, 'cluster', listed)).map(asOption),
  },
  operations: { clone, 'clone-environment': cloneEnvironment },
})

async function startClone(api: Api, params: Params): Promise<QoveryRef> {
  const home = await environmentOf(api, params.environment)
  await refuseUnasked(api, params)
  await refuseTaken(api, params)
  const source = `/${'service' in params ? params.service : `environment/${params.environment}`}`
  try {
    return refOf(params, home, (await api.post(`${source}/clone`, made, { json: bodyOf(params) })).id)
  } catch (error) {
    if (!isBusy(error)) throw error
    // Documented as "in progress", but most likely also said of a taken name. Nothing is sent again.
    await refuseTaken(api, params)
    const words = error.message.replace(/\.?$/, '.')
    throw new UserError(`${words} Nothing was cloned: try again when that has ended.`, { status: 409 })
  }
}

/** The name was free before the first try, as `baseline` made sure, so that whoever has it now took it by ours. */
async function findClone(api: Api, params: Params, _: null, { baseline }: Attempt): Promise<QoveryRef | null> {
  const found = await findNamesake(api, params, baseline)
  if (found === null) return null
  return refOf(params, await environmentOf(api, 'service' in params ? params.environment : found), found)
}

async function startDeployment(api: Api, params: Params, before: QoveryRef): Promise<QoveryRef> {
  const { isUnderWay, previous } = await lookAtClone(api, before)
  // Another one would only queue up behind it.
  if (isUnderWay) return { ...before, deployment: 'asked' }
  // Without a body the newest version is deployed.
  const json = 'service' in params ? await api.get(`/${params.service}`, version).catch(ifHidden) : undefined
  await api.post(`/${before.kind}/${before.id}/deploy`, z.unknown(), { json }).catch((error) => {
    throw isBusy(error) ? new TemporaryError(error.message, { mayHaveHappened: false }) : error
  })
  return { ...before, deployment: 'asked', ...(previous && { previous }) }
}

async function findDeployment(api: Api, _: Params, before: QoveryRef, { since }: Attempt): Promise<QoveryRef | null> {
  const { isUnderWay, endedAt } = await lookAtClone(api, before)
  return isUnderWay || endedAt >= since.getTime() ? { ...before, deployment: 'asked' } : null
}

async function remove(api: Api, { kind, id }: QoveryRef): Promise<void> {
  await unlessNotFound(api.delete(`/${kind}/${id}`, z.unknown()))
}

async function listOf<T>(api: Api, list: string, item: z.ZodType<T>): Promise<T[]> {
  return await api.get(`/organization/${await organizationOf(api)}/${list}`, results(rows(api, item)))
}

/** The one that dolly.yml names, or the only one that the token sees. */
async function organizationOf(api: Api): Promise<string> {
  if (api.settings?.organization) return api.settings.organization
  const all = await api.get('/organization', entries)
  const [only, other] = all
  if (only?.id && !other) return only.id
  const names = all.map(({ id, name }) => `${name ?? 'unreadable'} (${id ?? 'unreadable'})`).join(', ') || 'none'
  throw new ConnectionError(`Name one organization in dolly.yml, by its id. The token there sees: ${names}.`)
}

function outcome(params: Params, version: string): string {
  if (deploys(params)) return `Then it is deployed, ${version}.`
  return params.deploy ? 'It is not deployed: for that, “Apply Terraform” must be ticked too.' : 'It is not deployed.'
}

function bodyOf(params: Params) {
  if ('service' in params) return { name: params.name, environment_id: params.environment }
  const { name, project: project_id, cluster: cluster_id, mode, applyDeploymentRule: apply_deployment_rule } = params
  return { name, project_id, cluster_id, mode, apply_deployment_rule }
}

function refOf(params: Params, home: Environment, id: string): QoveryRef {
  const [place, page] = 'service' in params ? [params.environment, `service/${id}/overview`] : [id, 'overview']
  const project = 'project' in params ? params.project : home.project.id
  const path = `organization/${home.organization.id}/project/${project}/environment/${place}/${page}`
  const deployment = deploys(params) ? 'due' : 'none'
  return { kind: kindOf(params), id, environment: place, console: `https://console.qovery.com/${path}`, deployment }
}

const isBusy = (error: unknown): error is UserError => error instanceof UserError && error.status === 409

/** A handler of errors: undefined for what is not there, or not for us: the vendor's 403 may mean either. */
function ifHidden(error: unknown): undefined {
  const isHidden = isNotFound(error) || (error instanceof ConnectionError && error.status === 403)
  if (!isHidden) throw error
}

const asOption = ({ id, name, region }: z.infer<typeof listed>) => describedOption(id, name, region)
