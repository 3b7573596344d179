/** What the simulated Coolify holds: two servers of a small wool shop, with its applications, services and databases. */

export interface Change {
  at: number
  status: string
}

export type Kind = 'applications' | 'services' | 'databases'

export interface Server {
  uuid: string
  name: string
  /** Builds images for the others: nothing can be placed on it. */
  isBuildServer: boolean
}

export interface Destination {
  id: number
  uuid: string
  name: string
  server: Server
}

export interface Environment {
  id: number
  uuid: string
  name: string
  project: Project
}

export interface Project {
  uuid: string
  name: string
}

export interface Resource {
  id: number
  uuid: string
  kind: Kind
  /** `application`, `service`, or a database's kind such as `standalone-postgresql`. */
  type: string
  name: string
  environment: Environment
  destination: Destination
  fqdn: string | null
  /** Whether Coolify writes the labels, and so the domain, of a clone itself. */
  hasReadonlyLabels: boolean
  /** Ports of the server that it takes, such as `8080:3000`. */
  ports: string | null
  volumes: string[]
  /** Names of the values in its environment: a clone that was only half made has none. */
  variables: string[]
  /** The status is the last change whose time has come. */
  changes: Change[]
  createdAt: number
  /** Databases keep the time of their first start. */
  startedAt: number | null
  sourceName: string
  /** When the job that deletes it runs; null as long as nobody asked for that. */
  goneAt: number | null
}

export interface Deployment {
  id: number
  uuid: string
  application: Resource
  changes: Change[]
  createdAt: number
}

/** The status at some time, in milliseconds. */
export function statusAt({ changes }: { changes: readonly Change[] }, at: number): string {
  return changes.findLast((change) => change.at <= at)?.status ?? 'unknown'
}

export function iso(time: number): string {
  return new Date(time).toISOString()
}

/** 24 lower-case letters and digits. The first tells the kind, to make them easy to tell apart in a test. */
export function newId(kind: 'a' | 's' | 'b' | 'd' | 'e' | 'p' | 'h' | 'q', number: number): string {
  // A different number spreads over all digits, the same one always gives the same id.
  const mixed = (factor: bigint) => ((BigInt(number + 1) * factor) % 36n ** 12n).toString(36).padStart(12, 'w')
  return `${kind}${mixed(4_738_381_338_321_616_891n)}${mixed(2_862_933_555_777_941_757n)}`.slice(0, 24)
}

/** The possessions of a small wool shop, and `count` more of each kind. */
export function seed(now: number, count: number) {
  const day = 24 * 60 * 60 * 1000
  const extra = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'))

  const servers = [
    { name: 'flock-fra-1', isBuildServer: false },
    { name: 'flock-hel-1', isBuildServer: false },
    { name: 'shearing-shed', isBuildServer: true },
    ...extra.map((number) => ({ name: `fold-${number}`, isBuildServer: false })),
  ].map((one, index): Server => ({ ...one, uuid: newId('h', index + 1) }))
  // Every server has a network of this name from the start.
  const destinations = servers.map(
    (server, index): Destination => ({ id: index + 1, uuid: newId('d', index + 1), name: 'coolify', server }),
  )

  const projects = ['Shop', 'Internal', ...extra.map((number) => `Customer ${number}`)].map(
    (name, index): Project => ({ uuid: newId('p', index + 1), name }),
  )
  const environments = projects
    .flatMap((project) =>
      (project.name === 'Shop' ? ['production', 'staging'] : ['production']).map((name) => ({ name, project })),
    )
    .map((one, index): Environment => ({ ...one, id: index + 1, uuid: newId('e', index + 1) }))

  const environmentAt = (index: number) => at(environments, index)
  const destinationAt = (index: number) => at(destinations, index)
  const [production, staging, internal] = [0, 1, 2].map(environmentAt) as [Environment, Environment, Environment]
  const [frankfurt, helsinki] = [0, 1].map(destinationAt) as [Destination, Destination]
  const copies = extra.map((number, index) => ({
    number,
    ...{ environment: environmentAt(index + 3), destination: destinationAt(index + 3) },
  }))

  type Seed = Pick<Resource, 'name' | 'environment' | 'destination'> & Partial<Resource>
  const applications: Seed[] = [
    { name: 'shop-api', environment: production, destination: frankfurt, volumes: ['uploads'] },
    { name: 'shop-web', environment: production, destination: frankfurt },
    // Its labels are its own, so a clone answers to the same domain; and it takes a port of its server.
    { name: 'billing', environment: production, destination: frankfurt, hasReadonlyLabels: false, ports: '8443:443' },
    { name: 'search', environment: production, destination: helsinki },
    { name: 'mailer', environment: production, destination: helsinki, fqdn: null, changes: exited(now) },
    { name: 'image-resizer', environment: production, destination: helsinki },
    { name: 'shop-api-staging', environment: staging, destination: helsinki, sourceName: 'shop-api' },
    { name: 'wool-price-feed', environment: internal, destination: helsinki },
    ...copies.map(({ number, ...place }) => ({ name: `shop-api-${number}`, sourceName: 'shop-api', ...place })),
  ]
  const services: Seed[] = [
    { name: 'plausible', environment: production, destination: frankfurt, volumes: ['events', 'plausible-db'] },
    { name: 'minio', environment: production, destination: helsinki, volumes: ['minio-data'] },
    { name: 'gitea', environment: staging, destination: helsinki, volumes: ['gitea-data'] },
    { name: 'grafana', environment: internal, destination: helsinki, volumes: ['grafana-data'] },
    ...copies.map(({ number, ...place }) => ({ name: `grafana-${number}`, sourceName: 'grafana', ...place })),
  ]
  const databases: Seed[] = [
    { name: 'shop-db', type: 'standalone-postgresql', environment: production, destination: frankfurt },
    { name: 'shop-cache', type: 'standalone-redis', environment: production, destination: frankfurt },
    { name: 'billing-db', type: 'standalone-mariadb', environment: production, destination: frankfurt },
    { name: 'shop-db-staging', type: 'standalone-postgresql', environment: staging, destination: helsinki },
    ...copies.map(({ number, ...place }) => ({ name: `shop-cache-${number}`, type: 'standalone-redis', ...place })),
  ]

  let id = 0
  const made = (kind: Kind, seeds: readonly Seed[]) =>
    seeds.map((one, index): Resource => {
      id += 1
      const isDatabase = kind === 'databases'
      return {
        id,
        uuid: newId(({ applications: 'a', services: 's', databases: 'b' } as const)[kind], index + 1),
        kind,
        type: kind.slice(0, -1),
        fqdn: isDatabase ? null : `https://${one.name}.woolworks.example`,
        hasReadonlyLabels: true,
        ports: null,
        volumes: isDatabase ? [`${one.name}-data`] : [],
        variables: ['APP_KEY', 'DATABASE_URL'],
        changes: [{ at: 0, status: 'running:healthy' }],
        createdAt: now - 40 * day + index * 1000,
        startedAt: isDatabase ? now - 40 * day : null,
        sourceName: '',
        goneAt: null,
        ...one,
      }
    })
  const all = [...made('applications', applications), ...made('services', services), ...made('databases', databases)]
  const resources = new Map(all.map((one) => [one.uuid, one]))
  const deployments = new Map<string, Deployment>()
  return { servers, destinations, projects, environments, resources, deployments }
}

const exited = (now: number): Change[] => [{ at: now - 1, status: 'exited:unhealthy' }]

/** There are as many of each kind of place as of what is put there. */
function at<T>(all: readonly T[], index: number): T {
  const one = all[index]
  if (one === undefined) throw new Error(`The seed has no place ${index}.`)
  return one
}
