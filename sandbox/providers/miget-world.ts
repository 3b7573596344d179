/** The simulated Miget's data: the apps of a small wool shop, and how they are shown. */

export interface Resource {
  uuid: string
  name: string
  label: string
  /** Bytes, like all of Miget's sizes. */
  ram: number
  disk: number
  /** Projects it is reserved for; empty if it is open to all. */
  projectIds: string[]
}

export interface Change {
  at: number
  state: string
}

export interface Part {
  uuid: string
  name: string
  label: string
  type: string
  /** The state is the last change whose time has come. */
  changes: Change[]
}

export interface App {
  uuid: string
  label: string
  /** What was asked for; unique in the workspace. */
  serviceName: string
  /** The same with the server's suffix. */
  name: string
  projectId: string
  resourceId: string
  sourceName: string
  /** Whether there is anything to deploy. */
  hasSource: boolean
  isPrivate: boolean
  ram: number
  disk: number
  createdAt: number
  changes: Change[]
  addons: Part[]
  cronjobs: Part[]
  deployments: { uuid: string; createdAt: number; changes: Change[] }[]
}

const GIB = 2 ** 30

export function iso(time: number): string {
  return new Date(time).toISOString()
}

/** The first digit is the kind, which makes them easy to recognise in a test. */
export function newUuid(kind: number, number: number): string {
  return `${kind}a7c0de0-5eed-4a11-8b0b-${number.toString(16).padStart(12, '0')}`
}

/** The server appends a hyphen and five characters, here always the same ones for the same number. */
export function suffixed(stem: string, number: number): string {
  return `${stem}-${((number * 7_919_993) % 36 ** 5).toString(36).padStart(5, '0')}`
}

/** The data of a small wool shop, and `count` more of each kind. */
export function seed(now: number, count: number) {
  const day = 24 * 60 * 60 * 1000
  const extra = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'))
  const always = (state: string): Change[] => [{ at: 0, state }]

  const projects = ['woolworks-production', 'woolworks-staging', ...extra.map((number) => `customer-${number}`)].map(
    (label, index) => ({ uuid: newUuid(2, index + 1), label }),
  )
  const [production, staging] = projects.map(({ uuid }) => uuid)

  const resources = [
    { name: 'migetflock', label: 'production', ram: 16, disk: 200, projectIds: [production ?? ''] },
    { name: 'migetlamb', label: 'staging', ram: 8, disk: 100, projectIds: [staging ?? ''] },
    { name: 'migetmeadow', label: 'sandbox', ram: 8, disk: 80, projectIds: [] },
    { name: 'migetpen', label: 'free plan', ram: 0.25, disk: 1, projectIds: [] },
    ...extra.map((number) => ({ name: `miget${number}`, label: 'sandbox', ram: 4, disk: 40, projectIds: [] })),
  ].map((one, index): Resource => ({ ...one, uuid: newUuid(3, index + 1), ram: one.ram * GIB, disk: one.disk * GIB }))
  const [flock, lamb, meadow] = resources.map(({ uuid }) => uuid)

  const part = (kind: number, label: string, type: string, state: string, index: number): Part => ({
    uuid: newUuid(kind, index + 1),
    name: suffixed(label, index + 1),
    label,
    type,
    changes: always(state),
  })
  const addons = [
    ['shop-db', 'postgres', 'healthy'],
    ['shop-cache', 'valkey', 'running'],
    ['shop-uploads', 'storage', 'bound'],
    ...extra.map((number) => [`scratch-${number}`, 'valkey', 'healthy']),
  ].map(([label = '', type = '', state = ''], index) => part(6, label, type, state, index))
  const cronjobs = ['nightly-report', 'reindex', ...extra.map((number) => `sweep-${number}`)].map((label, index) =>
    part(7, label, 'cronjob', 'running', index),
  )

  const apps = [
    { label: 'shop-api', addons, cronjobs },
    { label: 'shop-web' },
    { label: 'billing', isPrivate: true },
    { label: 'search', ram: 2 },
    { label: 'mailer', state: 'stopped' },
    { label: 'image-resizer' },
    { label: 'shop-api-staging', projectId: staging, resourceId: lamb, sourceName: 'shop-api' },
    { label: 'wool-price-feed', projectId: staging, resourceId: meadow },
    ...extra.map((number, index) => ({
      label: `shop-api-${number}`,
      projectId: projects[index + 2]?.uuid,
      resourceId: resources[index + 4]?.uuid,
    })),
  ].map((one, index): App => {
    const createdAt = now - 40 * day + index * 1000
    return {
      uuid: newUuid(5, index + 1),
      label: one.label,
      serviceName: one.label,
      name: suffixed(one.label, index + 1),
      projectId: ('projectId' in one ? one.projectId : undefined) ?? production ?? '',
      resourceId: ('resourceId' in one ? one.resourceId : undefined) ?? flock ?? '',
      sourceName: ('sourceName' in one ? one.sourceName : undefined) ?? '',
      hasSource: true,
      isPrivate: 'isPrivate' in one,
      ram: ('ram' in one ? one.ram : 0.5) * GIB,
      disk: 2 * GIB,
      createdAt,
      changes: always('state' in one ? one.state : 'running'),
      addons: 'addons' in one ? one.addons : [],
      cronjobs: 'cronjobs' in one ? one.cronjobs : [],
      deployments: [{ uuid: newUuid(8, index + 1), createdAt, changes: always('completed') }],
    }
  })

  return { projects: byId(projects), resources: byId(resources), apps: byId(apps) }
}

function byId<T extends { uuid: string }>(rows: T[]): Map<string, T> {
  return new Map(rows.map((row) => [row.uuid, row]))
}
