/** What has the name of a clone already, and what Qovery would refuse or a person must know. Reads only. */
import { z } from 'zod'
import { UserError } from '../../errors.js'
import { type Api, findSurely, readFor, runChecks, type Validation } from '../provider.js'
import { made, results } from './status.js'

interface Common {
  name: string
  /** The target of a service, the original of an environment. */
  environment: string
  deploy: boolean
  applyTerraform: boolean
}
export type Clone =
  | (Common & { service: string })
  | (Common & { project: string; cluster?: string | undefined; mode?: string | undefined })

const text = z.string()
const readable = text.optional().catch(undefined)
/** Anything that is listed, as far as it can be read: a list used to prove absence must keep every row. */
const entry = z.object({ id: readable, name: readable }).catch({ id: undefined, name: undefined })
type Entry = z.infer<typeof entry>
export const entries = results(z.array(entry))
export const environment = made.extend({
  ...{ name: text, project: made, organization: made },
  mode: text.catch(''),
})
export type Environment = z.infer<typeof environment>

const PRODUCTION = 'PRODUCTION'
const UNASKED = 'Tick “Apply Terraform” too, or clone without deploying.'

export const environmentOf = (api: Api, id: string) => api.get(`/environment/${id}`, environment)
export const kindOf = (clone: Clone) => ('service' in clone ? (clone.service.split('/')[0] ?? '') : 'environment')
export const deploys = (clone: Clone) => clone.deploy && (clone.applyTerraform || kindOf(clone) !== 'terraform')
/** The list in which the clone's name must be new, for each kind of service by itself, and in which it is found again. */
export const siblingsOf = (clone: Clone) =>
  `${'project' in clone ? `project/${clone.project}` : `environment/${clone.environment}`}/${kindOf(clone)}`

const listSiblings = (api: Api, clone: Clone): Promise<Entry[]> =>
  readFor('project' in clone ? 'project' : 'environment', api.get(`/${siblingsOf(clone)}`, entries))
/** Names do not depend on case. */
const hasName = ({ name }: Entry, clone: Clone) => name?.trim().toLowerCase() === clone.name

/**
 * Answers the ids of what may have the name, because theirs cannot be read.
 *
 * @throws UserError when the name is taken.
 */
export async function refuseTaken(api: Api, clone: Clone): Promise<string> {
  const siblings = await listSiblings(api, clone)
  const message = `The name ${clone.name} is taken there. Choose another one.`
  if (siblings.some((one) => hasName(one, clone))) throw new UserError(message, { status: 409, field: 'name' })
  return siblings.flatMap(({ id, name }) => (name === undefined && id) || []).join(' ')
}

/** What has the clone's name, unless it was there when `baseline` was noted. */
export async function findNamesake(api: Api, clone: Clone, baseline: string): Promise<string | null> {
  const earlier = baseline.split(' ')
  const found = findSurely(await listSiblings(api, clone), (one) => {
    if (earlier.includes(one.id ?? '?')) return false
    if (one.name === undefined) return undefined
    return hasName(one, clone) && (one.id !== undefined || undefined)
  })
  return found?.id ?? null
}

/** Deploying an environment deploys everything in it, and Terraform must be asked for explicitly. */
export async function refuseUnasked(api: Api, clone: Clone): Promise<void> {
  if ('service' in clone || !clone.deploy || clone.applyTerraform) return
  // Every row of this list is Terraform, readable or not.
  const [terraform] = await readFor('environment', api.get(`/environment/${clone.environment}/terraform`, entries))
  if (terraform)
    throw new UserError(`It contains Terraform (${terraform.name ?? 'without a name'}). ${UNASKED}`, {
      field: 'applyTerraform',
    })
}

export function validateClone(api: Api, clone: Clone): Promise<Validation> {
  const home = readFor('environment', environmentOf(api, clone.environment))
  const remarks = 'service' in clone ? remarkOnService(api, clone.service, home) : remarkOnEnvironment(clone, home)
  return runChecks(
    [
      home,
      refuseTaken(api, clone),
      refuseUnasked(api, clone),
      refuseUnpaid(api, clone, home),
      refuseCluster(api, clone, home),
    ],
    [remarks],
  )
}

const unpaid = z
  .object({ id: readable, billing_deployment_restriction: z.unknown() })
  .catch({ id: undefined, billing_deployment_restriction: null })

async function refuseUnpaid(api: Api, clone: Clone, home: Promise<Environment>): Promise<void> {
  if (!deploys(clone)) return
  const [all, { organization }] = await Promise.all([api.get('/organization', results(z.array(unpaid))), home])
  const restriction = all.find(({ id }) => id === organization.id)?.billing_deployment_restriction
  if (restriction === null || restriction === undefined) return
  const sentence =
    'Qovery deploys nothing for this organization until its billing is settled. Clone without deploying for now.'
  throw new UserError(sentence, { field: 'deploy' })
}

async function refuseCluster(api: Api, clone: Clone, home: Promise<Environment>): Promise<void> {
  const cluster = 'cluster' in clone ? clone.cluster : undefined
  if (cluster === undefined) return
  const all = await api.get(`/organization/${(await home).organization.id}/cluster`, entries)
  if (findSurely(all, ({ id }) => (id === undefined ? undefined : id === cluster))) return
  throw new UserError('There is no such cluster in this organization.', { field: 'cluster' })
}

const service = z.object({ name: text, environment: made })

async function remarkOnService(api: Api, path: string, home: Promise<Environment>): Promise<string[]> {
  const original = await readFor('service', api.get(`/${path}`, service))
  const [origin, target] = await Promise.all([environmentOf(api, original.environment.id), home])
  const leaves = origin.mode === PRODUCTION && origin.id !== target.id
  return [
    ...(leaves ? [carries(`${original.name} of ${origin.name}`, target.name)] : []),
    ...(target.mode === PRODUCTION
      ? [`${target.name} is a production environment: the clone joins what is live there.`]
      : []),
  ]
}

async function remarkOnEnvironment(
  clone: Clone & { mode?: string | undefined },
  home: Promise<Environment>,
): Promise<string[]> {
  const { name, mode } = await home
  if ((clone.mode ?? mode) === PRODUCTION)
    return [`${clone.name} becomes a production environment${clone.mode ? '' : `, as ${name} is`}.`]
  return mode === PRODUCTION ? [carries(name, clone.name)] : []
}

const carries = (source: string, target: string) =>
  `Production variables and secrets are copied along, from ${source} to ${target}.`
