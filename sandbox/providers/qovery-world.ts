/** The simulated Qovery's data: projects, environments and services of a small wool shop. */

/** One deployment; its state follows from the time. Deploying an environment is one record for everything in it. */
export interface Deployment {
  request: string
  at: number
  ms: number
  /** The state it ends in. */
  end: string
  builds: boolean
  /** Until then the state before it is still shown. */
  shownFrom: number
}

interface Thing {
  id: string
  name: string
  createdAt: number
  deployments: Deployment[]
  deletedAt?: number
  /** When its deletion fails. */
  staysFrom?: number
}

export interface Project {
  id: string
  name: string
  organizationId: string
}

export interface Cluster {
  id: string
  name: string
  region: string
}

export interface Environment extends Thing {
  projectId: string
  clusterId: string
  mode: string
}

export interface Service extends Thing {
  /** As the vendor's answers spell it: APPLICATION. */
  type: string
  environmentId: string
  /** What only its kind has, in the vendor's shape. */
  config: Record<string, unknown>
  /** Whether it is reachable from outside once it is deployed. */
  isPublic: boolean
}

export const WOOLWORKS = '3c90c3cc-0d44-4b50-8888-8dd25736052a'
export const LABS = '3c90c3cc-0d44-4b50-8888-8dd25736052b'
export const COMMIT = '9f2c1a7be04d5c6688a1b2c3d4e5f60718293a4b'

export function iso(time: number): string {
  return new Date(time).toISOString()
}

/** Ids are UUIDs. The first digit is the kind, which makes them easy to recognise in a test. */
export function newId(kind: number, number: number): string {
  return `${kind}0b7c8d2-5e1f-4a63-9b20-${number.toString(16).padStart(12, '0')}`
}

/** What a kind of service has beside its name, in the vendor's shape. */
function configOf(type: string, name: string): Record<string, unknown> {
  const git_repository = {
    ...{ provider: 'GITHUB', owner: 'woolworks', name, url: `https://github.com/woolworks/${name}`, branch: 'main' },
    deployed_commit_id: COMMIT,
  }
  const image = { image_name: `woolworks/${name}`, tag: '2.14.0', registry: { name: 'woolworks' } }
  if (type === 'APPLICATION') return { git_repository, build_mode: 'DOCKER', auto_deploy: true }
  if (type === 'CONTAINER') return { ...image, auto_deploy: false }
  if (type === 'DATABASE') return { type: 'POSTGRESQL', version: '16', mode: 'CONTAINER' }
  if (type === 'JOB')
    return { job_type: 'CRON', source: name === 'reports' ? { docker: { git_repository } } : { image } }
  if (type === 'HELM') return { source: { git: { git_repository } }, values_override: { file: null } }
  if (type === 'TERRAFORM') return { terraform_files_source: { git: { git_repository } }, engine: 'TERRAFORM' }
  return {}
}

/** The data of a small wool shop, and `count` more of each kind. */
export function seed(now: number, count: number) {
  const createdAt = now - 40 * 24 * 60 * 60 * 1000
  const extra = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'))

  const projects = ['Shop', 'Internal', ...extra.map((number) => `customer-${number}`)].map(
    (name, index): Project => ({ id: newId(2, index + 1), name, organizationId: WOOLWORKS }),
  )
  projects.push({ id: newId(2, count + 3), name: 'Felting', organizationId: LABS })

  const clusters = ['woolworks-eu', 'woolworks-us', ...extra.map((number) => `woolworks-${number}`)].map(
    (name, index): Cluster => ({ id: newId(3, index + 1), name, region: index === 1 ? 'us-east-1' : 'eu-west-3' }),
  )

  const deployed = (): Deployment => ({
    ...{ request: newId(9, 0), at: createdAt, ms: 60_000, end: 'DEPLOYED', builds: true, shownFrom: createdAt },
  })
  const environments = [
    { name: 'production', project: 0, mode: 'PRODUCTION' },
    { name: 'staging', project: 0, mode: 'STAGING' },
    { name: 'tools', project: 1, mode: 'DEVELOPMENT' },
    { name: 'felt', project: count + 2, mode: 'DEVELOPMENT' },
    ...extra.map((number) => ({ name: `pr-${number}`, project: 0, mode: 'PREVIEW' })),
  ].map(
    ({ name, project, mode }, index): Environment => ({
      ...{ id: newId(4, index + 1), name, mode, createdAt, deployments: [deployed()] },
      projectId: projects[project]?.id ?? '',
      clusterId: clusters[0]?.id ?? '',
    }),
  )

  const services = [
    { name: 'shop-api', type: 'APPLICATION', environment: 0 },
    { name: 'shop-web', type: 'CONTAINER', environment: 0 },
    { name: 'shop-db', type: 'DATABASE', environment: 0 },
    { name: 'billing', type: 'APPLICATION', environment: 0 },
    { name: 'search', type: 'HELM', environment: 0 },
    { name: 'invoices', type: 'JOB', environment: 0 },
    { name: 'reports', type: 'JOB', environment: 0 },
    { name: 'network', type: 'TERRAFORM', environment: 0 },
    { name: 'shop-api', type: 'APPLICATION', environment: 1 },
    { name: 'shop-web', type: 'CONTAINER', environment: 1 },
    { name: 'shop-db', type: 'DATABASE', environment: 1 },
    { name: 'wool-price-feed', type: 'APPLICATION', environment: 2, isNew: true },
    { name: 'delivery', type: 'ARGOCD_APP', environment: 2 },
    { name: 'sheepdog', type: 'AGENTIC_WORKFLOW', environment: 2 },
    { name: 'felting-api', type: 'APPLICATION', environment: 3 },
    ...extra.map((number, index) => ({ name: `shop-api-${number}`, type: 'APPLICATION', environment: index % 3 })),
  ].map((one, index): Service => {
    const { name, type, environment } = one
    const config = configOf(type, name)
    const isNew = 'isNew' in one
    return {
      ...{ id: newId(5, index + 1), name, type, createdAt, deployments: isNew ? [] : [deployed()] },
      environmentId: environments[environment]?.id ?? '',
      config: isNew ? withoutCommit(config) : config,
      isPublic: ['APPLICATION', 'CONTAINER'].includes(type),
    }
  })

  return { projects, clusters, environments, services }
}

/** A copy of a service's configuration, which has not been deployed anywhere. */
export function withoutCommit(config: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config, (key, value) => (key === 'deployed_commit_id' ? undefined : value)))
}

/** The record of a deletion that failed. */
export function failedDeletion(request: string, at: number, endsAt: number): Deployment {
  return { request, at, ms: endsAt - at, end: 'DELETE_ERROR', builds: false, shownFrom: at }
}

/** The deployment state at this time. */
export function stateOf(deployments: readonly Deployment[], now: number): string {
  const latest = deployments.findLast((one) => one.shownFrom <= now)
  if (!latest) return 'READY'
  const part = (now - latest.at) / latest.ms
  if (part >= 1) return latest.end
  if (part < 0.2) return 'DEPLOYMENT_QUEUED'
  return part < 0.6 && latest.builds ? 'BUILDING' : 'DEPLOYING'
}
