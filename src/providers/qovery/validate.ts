/** What Qovery would refuse, and what people must know before the job starts. Reads only. */
import { z } from 'zod'
import { type Api, findSurely, readFor, refusal, runChecks, type Validation } from '../provider.js'
import { type Entry, type Environment, entries, item, readEnvironment, results } from './api.js'
import { type CloneParams, type EnvironmentParams, isDeployed, siblingsPath } from './form.js'

const PRODUCTION = 'PRODUCTION'

export function validateClone(api: Api, params: CloneParams): Promise<Validation> {
  const environment = readFor('environment', readEnvironment(api, params.environment))
  const warnings =
    'service' in params ? warnOfService(api, params.service, environment) : warnOfMode(params, environment)
  return runChecks(
    [
      environment,
      refuseTakenName(api, params),
      refuseTerraform(api, params),
      refuseUnpaid(api, params, environment),
      refuseCluster(api, params, environment),
    ],
    [warnings],
  )
}

export async function listSiblings(api: Api, params: CloneParams): Promise<Entry[]> {
  return await readFor('project' in params ? 'project' : 'environment', api.get(`/${siblingsPath(params)}`, entries))
}

/** Whether a row has the clone's name, whatever its case; undefined if that can't be read. */
export function hasName({ name }: Entry, params: CloneParams): boolean | undefined {
  return name === undefined ? undefined : name.trim().toLowerCase() === params.name
}

/**
 * Returns the IDs of those whose name can't be read, so it may be this one.
 *
 * @throws UserError when the name is taken.
 */
export async function refuseTakenName(api: Api, params: CloneParams): Promise<string> {
  const siblings = await listSiblings(api, params)
  if (siblings.some((one) => hasName(one, params)))
    throw refusal('name', `The name ${params.name} is taken there. Choose another one.`, 409)
  return siblings.flatMap(({ id, name }) => (name === undefined && id) || []).join(' ')
}

/** Deploying an environment deploys all of it, and Terraform must be asked for explicitly. */
export async function refuseTerraform(api: Api, params: CloneParams): Promise<void> {
  if ('service' in params || !params.deploy || params.applyTerraform) return
  // Every row of this list is Terraform, readable or not.
  const [terraform] = await readFor('environment', api.get(`/environment/${params.environment}/terraform`, entries))
  if (!terraform) return
  const name = terraform.name ?? 'without a name'
  throw refusal(
    'applyTerraform',
    `It contains Terraform (${name}). Tick "Apply Terraform" too, or clone without deploying.`,
  )
}

const billed = z
  .object({ id: z.string(), billing_deployment_restriction: z.unknown() })
  .catch({ id: '', billing_deployment_restriction: null })

async function refuseUnpaid(api: Api, params: CloneParams, environment: Promise<Environment>): Promise<void> {
  if (!isDeployed(params)) return
  const [all, { organization }] = await Promise.all([api.get('/organization', results(z.array(billed))), environment])
  if ((all.find(({ id }) => id === organization.id)?.billing_deployment_restriction ?? null) === null) return
  throw refusal(
    'deploy',
    'Qovery deploys nothing for this organization until its billing is settled. Clone without deploying for now.',
  )
}

async function refuseCluster(api: Api, params: CloneParams, environment: Promise<Environment>): Promise<void> {
  const cluster = 'cluster' in params ? params.cluster : undefined
  if (cluster === undefined) return
  const all = await api.get(`/organization/${(await environment).organization.id}/cluster`, entries)
  if (findSurely(all, ({ id }) => (id === undefined ? undefined : id === cluster))) return
  throw refusal('cluster', 'There is no such cluster in this organization.')
}

const service = z.object({ name: z.string(), environment: item })

async function warnOfService(api: Api, path: string, environment: Promise<Environment>): Promise<string[]> {
  const source = await readFor('service', api.get(`/${path}`, service))
  const [from, to] = await Promise.all([readEnvironment(api, source.environment.id), environment])
  return [
    ...(from.mode === PRODUCTION && from.id !== to.id
      ? [secretsWarning(`${source.name} of ${from.name}`, to.name)]
      : []),
    ...(to.mode === PRODUCTION ? [`${to.name} is a production environment: the clone joins what is live there.`] : []),
  ]
}

async function warnOfMode({ name, mode }: EnvironmentParams, environment: Promise<Environment>): Promise<string[]> {
  const source = await environment
  if ((mode ?? source.mode) === PRODUCTION)
    return [`${name} becomes a production environment${mode ? '' : `, like ${source.name}`}.`]
  return source.mode === PRODUCTION ? [secretsWarning(source.name, name)] : []
}

const secretsWarning = (source: string, target: string) =>
  `Production variables and secrets are copied from ${source} to ${target}.`
