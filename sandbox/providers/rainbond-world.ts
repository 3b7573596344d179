/** The simulated Rainbond's data: the teams, regions, apps and components of a small wool shop. */

export interface Team {
  tenant_id: string
  tenant_name: string
  tenant_alias: string
  regions: readonly string[]
  /** Whether the user of the token belongs to it. */
  isJoined: boolean
}

export interface Region {
  region_name: string
  region_alias: string
  /** "1" is enabled. */
  status: string
}

export interface App {
  ID: number
  group_name: string
  note: string
  k8s_app: string
  team: Team
  region: string
  updatedAt: number
  /** A copy into it was rolled back, and left its components in the cluster. */
  hasDebris: boolean
  /** When a deletion that takes longer than anybody waits for ends. */
  goneAt?: number
  components: Component[]
}

export interface Change {
  at: number
  status: string
}

export interface BuildEvent {
  id: string
  kind: string
  at: number
  endsAt: number
  outcome: 'success' | 'failure'
  message: string
}

export interface Component {
  id: string
  name: string
  source: string
  createStatus: string
  isCopy: boolean
  /** When the transaction that makes it is committed. */
  createdAt: number
  /** Past and future changes: the status is that of the last change whose time has come. */
  changes: Change[]
  events: BuildEvent[]
}

/** 32 hexadecimal digits. The first is the kind, which makes them easy to recognise in a test. */
export function newId(kind: string, number: number): string {
  return `${kind}7f1c2d9a04b8e6${number.toString(16).padStart(17, '0')}`
}

/** The data of the shop, and `count` more of each kind. */
export function seed(now: number, count: number) {
  const extra = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'))

  const teams = [
    { name: 'o19p6wen', alias: 'Production', regions: ['frankfurt', 'helsinki'], isJoined: true },
    { name: 'k3v8m2ra', alias: 'Staging', regions: ['frankfurt', 'leeds'], isJoined: true },
    { name: 'q7d4x9tz', alias: 'Neighbours', regions: ['frankfurt'], isJoined: false },
    ...extra.map((suffix) => ({
      name: `c${suffix}zw`,
      alias: `Customer ${suffix}`,
      regions: ['frankfurt'],
      isJoined: true,
    })),
  ].map(
    ({ name, alias, ...team }, index): Team => ({
      tenant_id: newId('a', index + 1),
      tenant_name: name,
      tenant_alias: alias,
      ...team,
    }),
  )

  const regions: Region[] = [
    { region_name: 'frankfurt', region_alias: 'Frankfurt', status: '1' },
    { region_name: 'helsinki', region_alias: 'Helsinki', status: '1' },
    { region_name: 'leeds', region_alias: 'Leeds', status: '2' },
  ]

  const [production, staging, neighbours] = teams
  if (!production || !staging || !neighbours) throw new Error('The seed has three teams.')
  const wanted = [
    {
      name: 'shop',
      components: [
        { name: 'shop-api', source: 'source_code' },
        { name: 'shop-web', source: 'docker_image' },
        { name: 'shop-db', source: 'docker_image' },
        { name: 'wool-exchange', source: 'third_party' },
        { name: 'shop-search', source: 'source_code', createStatus: 'creating', status: 'undeploy' },
        ...extra.map((suffix) => ({ name: `shop-worker-${suffix}`, source: 'docker_image' })),
      ],
    },
    {
      name: 'billing',
      components: [
        { name: 'billing-api', source: 'source_code' },
        { name: 'ledger-import', source: 'package_build' },
      ],
    },
    { name: 'search', region: 'helsinki', components: [{ name: 'search-engine', source: 'market' }] },
    {
      name: 'shop-staging',
      team: staging,
      components: [{ name: 'shop-api', source: 'source_code', status: 'closed' }],
    },
    { name: 'dairy', team: neighbours, components: [{ name: 'milk-api', source: 'docker_image' }] },
    ...extra.map((suffix) => ({
      name: `shop-${suffix}`,
      components: [{ name: `shop-api-${suffix}`, source: 'docker_image', status: 'starting' }],
    })),
  ]

  const apps = new Map<number, App>()
  let components = 0
  for (const [index, one] of wanted.entries()) {
    const ID = index + 11
    const app: App = {
      ID,
      group_name: one.name,
      note: '',
      k8s_app: `app-${ID}`,
      team: 'team' in one ? one.team : production,
      region: 'region' in one ? one.region : 'frankfurt',
      updatedAt: now - (index + 1) * 3_600_000,
      hasDebris: false,
      components: [],
    }
    apps.set(ID, app)
    for (const part of one.components) {
      app.components.push({
        id: newId('c', ++components),
        name: part.name,
        source: part.source,
        createStatus: 'createStatus' in part ? part.createStatus : 'complete',
        isCopy: false,
        createdAt: app.updatedAt,
        changes: [{ at: app.updatedAt, status: 'status' in part ? part.status : 'running' }],
        events: [],
      })
    }
  }
  return { teams, regions, apps }
}
