/** The simulated Hoody's data: projects, servers and containers of a small wool shop. */

export interface Project {
  id: string
  alias: string
  max_containers: number
}

export interface Server {
  id: string
  name: string
  city: string
  country: string
  max: number
}

export interface Snapshot {
  name: string
  alias: string | null
  created_at: string
}

export interface Change {
  at: number
  status: string
  metadata?: Record<string, string>
}

export interface Container {
  id: string
  name: string
  projectId: string
  serverId: string
  sourceId: string | null
  sshPublicKey: string | null
  createdAt: number
  /** Past and future changes: the status is that of the last change whose time has come. */
  changes: Change[]
  snapshots: Snapshot[]
}

export function iso(time: number): string {
  return new Date(time).toISOString()
}

/** Ids are 24 hexadecimal digits. The first is the kind, which makes them easy to recognise in a test. */
export function newId(kind: number, number: number): string {
  return `${kind}07f1f77bcf8${number.toString(16).padStart(12, '0')}`
}

/** The data of a small wool shop, and `count` more of each kind. */
export function seed(now: number, count: number) {
  const day = 24 * 60 * 60 * 1000
  const extra = Array.from({ length: count }, (_, index) => index + 1)
  const suffix = (index: number) => String(index).padStart(4, '0')

  const projects = [
    { alias: 'woolworks-production', max_containers: 50 },
    { alias: 'woolworks-staging', max_containers: 50 },
    ...extra.map((index) => ({ alias: `customer-${suffix(index)}`, max_containers: 50 })),
  ].map((project, index): Project => ({ id: newId(2, index + 1), ...project }))

  const servers = [
    { name: 'flock-fra-1', city: 'Frankfurt', country: 'Germany', max: 20 },
    { name: 'flock-hel-1', city: 'Helsinki', country: 'Finland', max: 20 },
    { name: 'lamb-ams-free', city: 'Amsterdam', country: 'Netherlands', max: 1 },
    ...extra.map((index) => ({ name: `fold-${suffix(index)}`, city: 'Leeds', country: 'United Kingdom', max: 5 })),
  ].map((server, index): Server => ({ id: newId(3, index + 1), ...server }))

  const snapshots = [
    { name: 'nightly-2026-08-19', alias: 'before the new checkout' },
    { name: 'nightly-2026-08-20', alias: null },
    ...extra.map((index) => ({ name: `nightly-${suffix(index)}`, alias: null })),
  ].map((snapshot, index): Snapshot => ({ ...snapshot, created_at: iso(now - (index + 1) * day) }))

  const [production, staging] = projects
  const [frankfurt, helsinki, amsterdam] = servers
  const containers = [
    { name: 'shop-api', project: production, server: frankfurt, snapshots },
    { name: 'shop-web', project: production, server: frankfurt },
    { name: 'billing', project: production, server: frankfurt },
    { name: 'search', project: production, server: helsinki },
    { name: 'mailer', project: production, server: helsinki, status: 'stopped' },
    { name: 'image-resizer', project: production, server: helsinki },
    { name: 'shop-api-staging', project: staging, server: frankfurt, source: 1 },
    { name: 'wool-price-feed', project: staging, server: amsterdam },
    ...extra.map((index) => ({
      name: `shop-api-${suffix(index)}`,
      project: projects[index + 1],
      server: servers[index + 2],
      source: 1,
    })),
  ].map((container, index): Container => {
    const createdAt = now - 40 * day + index * 1000
    return {
      id: newId(5, index + 1),
      name: container.name,
      projectId: container.project?.id ?? '',
      serverId: container.server?.id ?? '',
      sourceId: 'source' in container ? newId(5, container.source) : null,
      sshPublicKey: null,
      createdAt,
      changes: [{ at: createdAt, status: 'status' in container ? container.status : 'running' }],
      snapshots: 'snapshots' in container ? container.snapshots : [],
    }
  })

  return { projects: byId(projects), servers: byId(servers), containers: byId(containers) }
}

function byId<T extends { id: string }>(rows: T[]): Map<string, T> {
  return new Map(rows.map((row) => [row.id, row]))
}
