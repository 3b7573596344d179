/** Qovery: clones a service of any kind, or a whole environment, and deploys the clone. */
import { z } from 'zod'
import { ConnectionError, isNotFound, TemporaryError, UserError } from '../errors.js'
import type { Api, Attempt, Observation, Step } from './provider.js'
import { defineOperation, defineProvider, describedOption } from './provider.js'

/** From a connection's address, which ends in its organization, back to where most paths begin. */
const ROOT = '../..'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The kinds of services that can be cloned, as paths spell them. There are others, and there will be more. */
const KINDS = ['application', 'container', 'database', 'helm', 'job', 'terraform']
const KIND_AND_ID = new RegExp(`^(${KINDS.join('|')})/${UUID.source.slice(1)}`)
/** A person's token. API tokens have another scheme; a scheme that is written before a token is kept. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/
const BUSY = 'Qovery is busy with another operation there.'
const HIDDEN = 'Qovery knows no such thing, or gives the token of this connection no access to it (403).'
const UNASKED = 'Tick “Apply Terraform” too, or clone without deploying: there is Terraform in it, which is called'
const APPLIES = 'Deploying applies the Terraform code: it makes real infrastructure, which may cost money.'

// All 29 states. One that is missing here counts as under way, as do two whose meaning is not documented: RECAP and
// UNAVAILABLE. The deadline bounds them.
const RESTING = 'READY'
const UNDER_WAY = [
  ...['QUEUED', 'DEPLOYMENT_QUEUED', 'BUILDING', 'DEPLOYING', 'EXECUTING', 'WAITING_RUNNING', 'CANCELING', 'RECAP'],
  ...['RESTART_QUEUED', 'RESTARTING', 'WAITING_RESTARTING', 'STOP_QUEUED', 'STOPPING', 'WAITING_STOPPING'],
  ...['DELETE_QUEUED', 'DELETING', 'WAITING_DELETING', 'UNAVAILABLE'],
]
const LIVE = ['DEPLOYED', 'RESTARTED']
const BROKEN = ['BUILD_ERROR', 'DEPLOYMENT_ERROR', 'RESTART_ERROR', 'STOP_ERROR', 'DELETE_ERROR']
const ENDED = [...LIVE, ...BROKEN, 'CANCELED', 'STOPPED', 'DELETED']

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
  name: cloneName.meta({ title: 'Name of the clone', description: 'Not yet taken where the clone will live.' }),
  deploy: flag(true, 'Deploy the clone', 'Without it the clone is only configured: Qovery deploys nothing by itself.'),
  applyTerraform: flag(false, 'Apply Terraform', 'It makes real infrastructure: deployed only when ticked as well.'),
}
const serviceFields = z.object({
  service: serviceId.meta({ title: 'Service', description: 'Cloned without its data.', picker: 'services' }),
  environment: id.meta({ title: 'Target environment', description: 'Of any project.', picker: 'environments' }),
  ...common,
})
const mode = z.enum(['DEVELOPMENT', 'PREVIEW', 'STAGING', 'PRODUCTION'])
const asOriginal = 'Left empty: as the original.'
const environmentFields = z.object({
  environment: id.meta({ title: 'Environment', description: 'Cloned without its data.', picker: 'environments' }),
  // The vendor would take the original's for granted. Two jobs onto one target could then not be told.
  project: id.meta({ title: 'Target project', description: 'Where the clone will live.', picker: 'projects' }),
  cluster: id.optional().meta({ title: 'Target cluster', description: asOriginal, picker: 'clusters' }),
  mode: mode.optional().meta({ title: 'Mode', description: asOriginal }),
  applyDeploymentRule: flag(false, 'Apply deployment rule', 'Working hours and the like, as the project sets them.'),
  ...common,
})
type Params = z.infer<typeof serviceFields> | z.infer<typeof environmentFields>

const text = z.string()
/** `environment` is the one the clone is in, or is. The deploy step makes `asked` of `due`, and notes what it can. */
const ref = z.object({
  ...{ kind: text, id: text, environment: text, console: text, deployment: z.enum(['none', 'due', 'asked']) },
  /** The deployment's id, and when the clone was last deployed before it, as far as the vendor tells. */
  ...{ request: text.optional(), previous: text.optional() },
})
type QoveryRef = z.infer<typeof ref>

const results = <T>(item: z.ZodType<T>) => z.object({ results: z.array(item) }).transform((body) => body.results)
const within = <T>(key: string, inner: z.ZodType<T>) => z.object({ [key]: inner }).transform((one) => one[key])
/** The vendor documents no body for errors; this one is what its own clients read. */
const problem = z
  .object({ detail: z.string().nullish(), error: z.string().nullish() })
  .transform(({ detail, error }) => detail || error || undefined)
const made = z.object({ id: text })
const listed = made.extend({ name: text, created_at: text, region: text.nullish() })
const environment = listed.extend({ mode: text, project: made, organization: made })
const service = made.extend({ name: text, service_type: text, project_name: text, environment_name: text })
const link = z.object({ service_id: text, url: text, is_default: z.boolean().nullish() })
const status = made.extend({ state: text, last_deployment_date: text.nullish(), deployment_request_id: text.nullish() })
/** An environment and all that is in it, by id. */
const statuses = z
  .object({ ...Object.fromEntries(KINDS.map((kind) => [`${kind}s`, z.array(status)])), environment: status })
  .transform((all) => new Map([...Object.values(all)].flat().map((one) => [one.id, one])))
type Statuses = z.infer<typeof statuses>
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

const kindOf = (params: Params) => ('service' in params ? (params.service.split('/')[0] ?? '') : 'environment')
const deploys = (params: Params) => params.deploy && (params.applyTerraform || kindOf(params) !== 'terraform')
/** The list in which the clone's name must be new, for each kind of service by itself, and in which it is found again. */
const siblingsOf = (params: Params) =>
  `${'project' in params ? `project/${params.project}` : `environment/${params.environment}`}/${kindOf(params)}`

const steps: [Step<Params, null, QoveryRef>, Step<Params, QoveryRef, QoveryRef>] = [
  { title: 'Make the clone', settleMs: 30_000, run: startClone, find: findClone, check },
  { title: 'Deploy the clone', settleMs: 30_000, when: deploys, run: startDeployment, find: findDeployment, check },
]
const lock = (params: Params) => `${siblingsOf(params)}/${params.name}`
const shared = { ref, lock, deadlineMs: 60 * 60_000, steps, remove }

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
  summary: (named) => ({ from: `${named.environment}`, to: `${named.name} in ${named.project}` }),
  preview: (params, named) => ({
    copied: `All services of ${named.environment ?? 'the environment'} with their configuration, variables and secrets, and with automatic deployment where that is on. ${outcome(params, 'each service at its latest version')}`,
    notCopied: `The data of databases and volumes, and custom domains.${params.deploy && !params.applyTerraform ? ' With Terraform among the services nothing is cloned at all, unless “Apply Terraform” is ticked.' : ''}`,
    ...(params.deploy && params.applyTerraform && { warning: APPLIES }),
  }),
})

export const qovery = defineProvider({
  id: 'qovery',
  name: 'Qovery',
  connection,
  client: ({ url, token, organization = '00000000-0000-0000-0000-000000000000' }) => ({
    // Pickers know nothing of their connection but its address, so that is where its organization is named.
    baseUrl: `${url.replace(/\/+$/, '')}/organization/${organization}`,
    headers: { authorization: token.replace(/^(?!(Token|Bearer) )/, JWT.test(token) ? 'Bearer ' : 'Token ') },
    errorMessage: (body) => problem.safeParse(body).data,
    classify({ status, body }) {
      const sentence = problem.safeParse(body).data?.replaceAll(token, '••••').slice(0, 200) ?? ''
      if (status === 403) return new ConnectionError(`${HIDDEN} ${sentence}`.trim(), { status })
      return status === 400 && /(not|n't) exist/i.test(sentence) ? new UserError(sentence, { status: 404 }) : undefined
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
      return (await listOf(api, 'environments', environment)).map(({ id, name, mode, project }) => {
        const home = projects.find((one) => one.id === project.id)?.name
        return describedOption(id, home ? `${name} (${home})` : name, mode.toLowerCase())
      })
    },
    projects: async (api) => (await listOf(api, 'project', listed)).map(asOption),
    clusters: async (api) => (await listOf(api, 'cluster', listed)).map(asOption),
  },
  operations: { clone, 'clone-environment': cloneEnvironment },
})

async function startClone(api: Api, params: Params): Promise<QoveryRef> {
  const path = `${ROOT}/environment/${params.environment}`
  const home = await api.get(path, environment)
  // Deploying an environment deploys everything in it, and Terraform wants to be asked for twice.
  const isAsked = 'service' in params || !params.deploy || params.applyTerraform
  const [terraform] = isAsked ? [] : await api.get(`${path}/terraform`, results(listed))
  if (terraform) throw new UserError(`${UNASKED} ${terraform.name}.`, { field: 'applyTerraform' })
  await refuseTaken(api, params)
  const source = 'service' in params ? `${ROOT}/${params.service}` : path
  try {
    return refOf(params, home, (await api.post(`${source}/clone`, made, { json: bodyOf(params) })).id)
  } catch (error) {
    if (statusOf(error) !== 409) throw error
    // Documented as "in progress", but most likely also said of a taken name. Nothing is sent again.
    await refuseTaken(api, params)
    throw new UserError(`${BUSY} Nothing was cloned: try again when it has ended.`, { status: 409 })
  }
}

async function findClone(api: Api, params: Params, _before: null, { since }: Attempt): Promise<QoveryRef | null> {
  const found = await namesake(api, params, since.getTime())
  if (!found) return null
  const home = 'service' in params ? params.environment : found.id
  return refOf(params, await api.get(`${ROOT}/environment/${home}`, environment), found.id)
}

async function startDeployment(api: Api, params: Params, before: QoveryRef, { since }: Attempt): Promise<QoveryRef> {
  const { hasBegun, previous } = await lookAtClone(api, before, since)
  // Ours, if an earlier answer was lost. Another one would only queue up behind it.
  if (hasBegun) return { ...before, deployment: 'asked' }
  // Without a body the newest version is deployed.
  const json = 'service' in params ? await api.get(`${ROOT}/${params.service}`, version).catch(ifHidden) : undefined
  const path = `${ROOT}/${before.kind}/${before.id}/deploy`
  const { deployment_request_id: request } = await api.post(path, status, { json }).catch((error) => {
    throw statusOf(error) === 409 ? new TemporaryError(BUSY, { mayHaveHappened: false }) : error
  })
  return { ...before, deployment: 'asked', ...(request && { request }), ...(previous && { previous }) }
}

async function findDeployment(api: Api, _: Params, before: QoveryRef, { since }: Attempt): Promise<QoveryRef | null> {
  return (await lookAtClone(api, before, since)).hasBegun ? { ...before, deployment: 'asked' } : null
}

async function lookAtClone(api: Api, { environment, id }: QoveryRef, since: Date) {
  const now = (await statusesOf(api, environment)).get(id)
  if (!now) throw new UserError('The clone was deleted before it was deployed.')
  const { state, last_deployment_date: previous } = now
  const isOld = ENDED.includes(state) && !(Date.parse(previous ?? '') >= since.getTime())
  return { previous, hasBegun: state === RESTING ? Boolean(now.deployment_request_id) : !isOld }
}

/** Looks at each environment once, however many jobs of either operation have their clones there. */
async function check(api: Api, refs: readonly QoveryRef[]): Promise<Observation<QoveryRef>[]> {
  const asked = refs.filter((ref) => ref.deployment === 'asked')
  // Neither may an environment that is hidden hide the others, nor a list of links hold up the end of a job.
  const look = (id: string) => statusesOf(api, id).catch((error) => (isNotFound(error) ? new Map() : ifHidden(error)))
  const linksOf = (id: string) => api.get(`${ROOT}/environment/${id}/link`, results(link)).catch(() => [])
  const seen = await byEnvironment(asked, look)
  const live = asked.filter((ref) => observe(ref, seen.get(ref.environment)).phase === 'done')
  const links = await byEnvironment(live, linksOf)
  return refs.map((ref) => observe(ref, seen.get(ref.environment), links.get(ref.environment)))
}

async function byEnvironment<T>(refs: readonly QoveryRef[], read: (environment: string) => Promise<T>) {
  const found = new Map<string, T>()
  for (const { environment } of refs) if (!found.has(environment)) found.set(environment, await read(environment))
  return found
}

function observe(ref: QoveryRef, all?: Statuses, links: z.infer<typeof link>[] = []): Observation<QoveryRef> {
  const url = ref.console
  // The answer to the clone call is the finished thing; only a deployment takes time.
  if (ref.deployment === 'due') return { phase: 'done', url }
  if (ref.deployment === 'none') return { phase: 'done', url, detail: 'cloned, not deployed' }
  // The environment may be gone, but the token may also have lost its role.
  if (!all) return { phase: 'working', url, detail: HIDDEN }
  const seen = all.get(ref.id)
  if (!seen) return { phase: 'failed', url, detail: 'the clone was deleted' }
  const { state, deployment_request_id: request, last_deployment_date: date } = seen
  const words = state.toLowerCase().replaceAll('_', ' ')
  // The end of an earlier deployment lingers for some seconds after a new one was asked for.
  const isOld = ref.previous && !(Date.parse(date ?? '') > Date.parse(ref.previous))
  const isOther = ref.request && request && ref.request !== request
  if (state === RESTING || (ENDED.includes(state) && (isOld || isOther))) {
    return { phase: 'working', url, detail: 'waiting for the deployment to begin' }
  }
  if (!ENDED.includes(state)) return { phase: 'working', url, detail: UNDER_WAY.includes(state) ? words : state }
  if (!LIVE.includes(state)) return { phase: 'failed', url, detail: `cloned, but not live: ${words}` }
  // People go to the public address if there is one.
  const ours = links.filter((one) => one.service_id === ref.id || (ref.kind === 'environment' && one.is_default))
  const [first, ...others] = ours
    .filter((one) => /^https?:/.test(one.url))
    .sort((a, b) => Number(b.is_default) - Number(a.is_default))
  const more = [url, ...others.map((one) => one.url)].slice(0, 5).join(' ')
  return { phase: 'done', url: first?.url ?? url, ...(first && { detail: `see also ${more}` }) }
}

async function remove(api: Api, { kind, id }: QoveryRef): Promise<void> {
  await api.delete(`${ROOT}/${kind}/${id}`, z.unknown()).catch((error) => {
    if (!isNotFound(error)) throw error
  })
}

/** What has the clone's name where it must be unique. Names do not depend on case. */
async function namesake(api: Api, params: Params, sinceMs = 0) {
  const siblings = await api.get(`${ROOT}/${siblingsOf(params)}`, results(listed))
  const named = siblings.filter((one) => one.name.trim().toLowerCase() === params.name)
  return named.find((one) => Date.parse(one.created_at) >= sinceMs)
}

async function refuseTaken(api: Api, params: Params): Promise<void> {
  const message = `The name ${params.name} is taken there. Choose another one.`
  if (await namesake(api, params)) throw new UserError(message, { status: 409 })
}

/** A list of the organization that dolly.yml names, or of the only one that the token sees. */
async function listOf<T>(api: Api, list: string, item: z.ZodType<T>): Promise<T[]> {
  const all = await api.get(`${ROOT}/organization`, results(listed))
  if (all.length === 1) return await api.get(`${ROOT}/organization/${all[0]?.id}/${list}`, results(item))
  const found = await api.get(list, results(item)).catch(ifHidden)
  if (found) return found
  const names = all.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none'
  throw new ConnectionError(`Name one organization in dolly.yml, by its id. The token there sees: ${names}.`)
}

/** Undefined for what is not there, or not for us: the vendor's 403 may mean either. */
function ifHidden(error: unknown): undefined {
  if (![403, 404].includes(statusOf(error) ?? 0)) throw error
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

function refOf(params: Params, home: z.infer<typeof environment>, id: string): QoveryRef {
  const [place, page] = 'service' in params ? [params.environment, `service/${id}/overview`] : [id, 'overview']
  const project = 'project' in params ? params.project : home.project.id
  const path = `organization/${home.organization.id}/project/${project}/environment/${place}/${page}`
  const deployment = deploys(params) ? 'due' : 'none'
  return { kind: kindOf(params), id, environment: place, console: `https://console.qovery.com/${path}`, deployment }
}

const statusesOf = (api: Api, id: string) => api.get(`${ROOT}/environment/${id}/statuses`, statuses)
const asOption = ({ id, name, region }: z.infer<typeof listed>) => describedOption(id, name, region)
const statusOf = (error: unknown) =>
  error instanceof UserError || error instanceof ConnectionError ? error.status : undefined
