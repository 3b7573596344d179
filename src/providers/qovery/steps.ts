/** The two steps of each clone on Qovery: make it, and deploy it. */
import { z } from 'zod'
import { TemporaryError } from '../../errors.js'
import { type Api, type Attempt, type Ended, foundByName, type Step, withSentence } from '../provider.js'
import { type Entry, type Environment, ifHidden, isBusy, item, readEnvironment } from './api.js'
import { type CloneParams, isDeployed, kindOf } from './form.js'
import { check, type QoveryRef, readDeployment } from './status.js'
import { hasName, listSiblings, refuseTakenName, refuseTerraform } from './validate.js'

/** `baseline` refuses a name that is taken, so whatever has it later is ours. */
const { find: findClone } = foundByName<CloneParams, null, Entry, QoveryRef>({
  list: listSiblings,
  id: ({ id }) => id,
  matches: hasName,
  made: async (id, _row, { api, params }) =>
    made(params, await readEnvironment(api, 'service' in params ? params.environment : id), id),
})

export const steps: [Step<CloneParams, null, QoveryRef>, Step<CloneParams, QoveryRef, QoveryRef>] = [
  {
    id: 'clone',
    title: 'Make the clone',
    doing: 'Making the clone',
    absentAfterMs: 30_000,
    baseline: refuseTakenName,
    run: startClone,
    find: findClone,
    check,
  },
  {
    id: 'deploy',
    title: 'Deploy the clone',
    doing: 'Deploying the clone',
    absentAfterMs: 30_000,
    when: isDeployed,
    run: startDeployment,
    find: findDeployment,
    check,
  },
]

async function startClone(api: Api, params: CloneParams): Promise<Ended<QoveryRef>> {
  const environment = await readEnvironment(api, params.environment)
  await refuseTerraform(api, params)
  await refuseTakenName(api, params)
  const source = 'service' in params ? params.service : `environment/${params.environment}`
  try {
    return made(params, environment, (await api.post(`/${source}/clone`, item, { json: bodyOf(params) })).id)
  } catch (error) {
    if (!isBusy(error)) throw error
    // Documented as "in progress", but most likely also the answer to a taken name. Nothing is sent again.
    await refuseTakenName(api, params)
    throw withSentence("Nothing was cloned. Try again when it's done.", error)
  }
}

function bodyOf(params: CloneParams) {
  if ('service' in params) return { name: params.name, environment_id: params.environment }
  const { name, project: project_id, cluster: cluster_id, mode, applyDeploymentRule: apply_deployment_rule } = params
  return { name, project_id, cluster_id, mode, apply_deployment_rule }
}

/** The answer to the clone call is the finished clone; only a deployment takes time. */
function made(params: CloneParams, { project, organization }: Environment, id: string): Ended<QoveryRef> {
  const [environment, page] = 'service' in params ? [params.environment, `service/${id}/overview`] : [id, 'overview']
  const projectId = 'project' in params ? params.project : project.id
  const path = `organization/${organization.id}/project/${projectId}/environment/${environment}/${page}`
  const consoleUrl = `https://console.qovery.com/${path}`
  const ref = { kind: kindOf(params), id, environment, console: consoleUrl }
  return { ref, ended: 'done', consoleUrl, ...(!isDeployed(params) && { detail: 'cloned, not deployed' }) }
}

async function startDeployment(api: Api, params: CloneParams, before: QoveryRef): Promise<QoveryRef> {
  const { isUnderWay, previous } = await readDeployment(api, before)
  // Another one would only wait behind it.
  if (isUnderWay) return before
  // Without a body the newest version is deployed.
  const json = 'service' in params ? await api.get(`/${params.service}`, version).catch(ifHidden) : undefined
  await api.post(`/${before.kind}/${before.id}/deploy`, z.unknown(), { json }).catch((error) => {
    throw isBusy(error) ? new TemporaryError(error.message, { mayHaveHappened: false }) : error
  })
  return { ...before, ...(previous && { previous }) }
}

async function findDeployment(
  api: Api,
  _: CloneParams,
  before: QoveryRef,
  { since }: Attempt,
): Promise<QoveryRef | null> {
  const { isUnderWay, endedAt } = await readDeployment(api, before)
  return isUnderWay || endedAt >= since.getTime() ? before : null
}

const inside = <T>(key: string, inner: z.ZodType<T>) => z.object({ [key]: inner }).transform((one) => one[key])
const commit = z
  .object({ git_repository: z.object({ deployed_commit_id: z.string().min(1) }) })
  .transform((one) => ({ git_commit_id: one.git_repository.deployed_commit_id }))
const tag = z.object({ tag: z.string().min(1) }).transform((one) => ({ image_tag: one.tag }))
const code = z.union([commit, tag, inside('docker', commit), inside('git', commit), inside('image', tag)])
/** What the source runs, as a deploy call takes it. Each kind of service keeps it elsewhere, a database nowhere. */
const version = z
  .union([code, inside('source', code), inside('terraform_files_source', code)])
  .optional()
  .catch(undefined)
