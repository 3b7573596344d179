/** The files in deploy fit the code: its variables, ports, probes and times. No systemd and no Kubernetes run here. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/env.js'
import * as providers from '../../src/providers/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The variables that Dolly reads, beside those that dolly.yml refers to. */
const environment = /const Environment = z\.object\(\{\n(.*?)\n\}\)\n/s.exec(read('src/config/env.ts'))?.[1] ?? ''
const variables = [...environment.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name)
const maxStopSeconds = Number(/MAX_CLOSE_MS = ([\d_]+)/.exec(read('src/cli/start.ts'))?.[1]?.replaceAll('_', '')) / 1000
const probes = [...read('src/slack/transport/server.ts').matchAll(/'(\/[a-z]+)'/g)].map(([, path]) => path)
const { version, bin } = z
  .object({ version: z.string(), bin: z.object({ dolly: z.string() }) })
  .parse(JSON.parse(read('package.json')))

it('finds in the code what it compares with', () => {
  expect(variables).toContain('SLACK_BOT_TOKEN')
  expect(maxStopSeconds).toBeGreaterThan(0)
  expect(probes).toContain('/healthz')
})

describe('the systemd unit', () => {
  const unit = read('deploy/dolly.service')
  const valuesOf = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)

  it('starts the command that npm installs', () => {
    expect(valuesOf('ExecStart')).toEqual([`/usr/bin/node node_modules/dolly/${bin.dolly} start`])
  })

  it('sets only variables that Dolly reads, and keeps the database where it may write', () => {
    const settings = valuesOf('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=')))
    const names = settings.map(([name]) => name).filter((name) => name !== 'NODE_ENV')
    expect(variables).toEqual(expect.arrayContaining(names))
    expect(valuesOf('ProtectSystem')).toEqual(['strict'])
    expect(settings).toContainEqual(['DATABASE_URL', `file:///var/lib/${valuesOf('StateDirectory')[0]}/dolly.db`])
  })

  it('gives Dolly the time to finish, and starts it again after a crash', () => {
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(maxStopSeconds)
    expect(valuesOf('Restart')).toEqual(['on-failure'])
  })
})

const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.literal('http') }) })
const Labels = z.object({ 'app.kubernetes.io/name': z.literal('dolly') })
const Container = z.object({
  image: z.string(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  envFrom: z.tuple([z.object({ secretRef: z.object({ name: z.string() }) })]),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  ports: z.tuple([z.object({ name: z.literal('http'), containerPort: z.number() })]),
  lifecycle: z.object({
    preStop: z.object({ exec: z.object({ command: z.tuple([z.literal('sleep'), z.coerce.number()]) }) }),
  }),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  volumeMounts: z.tuple([z.object({ name: z.string(), mountPath: z.string() })]),
})
const PodSpec = z.object({
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.literal(1000) }),
  containers: z.tuple([Container]),
  volumes: z.tuple([z.object({ name: z.string(), configMap: z.object({ name: z.string() }) })]),
})
const Deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    replicas: z.number(),
    selector: z.object({ matchLabels: Labels }),
    strategy: z.object({ rollingUpdate: z.object({ maxUnavailable: z.literal(0) }) }),
    template: z.object({ metadata: z.object({ labels: Labels }), spec: PodSpec }),
  }),
})
const Budget = z.object({
  kind: z.literal('PodDisruptionBudget'),
  spec: z.object({ minAvailable: z.number(), selector: z.object({ matchLabels: Labels }) }),
})
const Named = z.object({ metadata: z.object({ name: z.string() }) })
const ConfigMap = Named.extend({ kind: z.literal('ConfigMap'), data: z.object({ 'dolly.yml': z.string() }) })
const Secret = Named.extend({ kind: z.literal('Secret'), stringData: z.record(z.string(), z.string()) })
const Service = z.object({
  spec: z.object({ selector: Labels, ports: z.tuple([z.object({ targetPort: z.literal('http') })]) }),
})

describe('the Kubernetes manifests', () => {
  const folder = 'deploy/kubernetes'
  const documentsOf = (file: string) => parseAllDocuments(read(`${folder}/${file}`)).map((one) => one.toJS())
  const [deployment, budget] = z.tuple([Deployment, Budget]).parse(documentsOf('dolly.yaml'))
  const [configMap, secret] = z.tuple([ConfigMap, Secret]).parse(documentsOf('settings.yaml'))
  const { spec } = deployment.spec.template
  const [container] = spec.containers
  const variable = (name: string) => container.env.find((one) => one.name === name)?.value

  it('have no others beside them', () => {
    expect(readdirSync(join(root, folder)).sort()).toEqual(['dolly.yaml', 'service.yaml', 'settings.yaml'])
  })

  it('run the version of this repository, in several replicas of which one always stays', () => {
    expect(container.image).toBe(`registry.example.com/dolly:${version}`)
    expect(deployment.spec.replicas).toBeGreaterThan(budget.spec.minAvailable)
    expect(budget.spec.minAvailable).toBeGreaterThan(0)
  })

  it('set only variables that Dolly or their dolly.yml reads', () => {
    const inFile = [...configMap.data['dolly.yml'].matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)
    const set = [...container.env.map(({ name }) => name), ...Object.keys(secret.stringData)]
    expect([...variables, ...inFile]).toEqual(expect.arrayContaining(set))
    expect(set).toEqual(expect.arrayContaining(inFile))
  })

  it('have a dolly.yml that Dolly takes, and mount it where they say', () => {
    const { connections } = loadConfig({
      env: {
        SLACK_BOT_TOKEN: 'xoxb-1-bot',
        SLACK_APP_TOKEN: 'xapp-1-app',
        HOODY_TOKEN: 'hoody-token',
        DOLLY_CONFIG: variable('DOLLY_CONFIG'),
      },
      readFile: () => configMap.data['dolly.yml'],
      rightsOf: () => 0o644,
      providers: Object.values(providers),
    })
    expect(connections).toHaveLength(1)
    expect(variable('DOLLY_CONFIG')).toBe(`${container.volumeMounts[0].mountPath}/dolly.yml`)
    expect(container.volumeMounts[0].name).toBe(spec.volumes[0].name)
    expect(spec.volumes[0].configMap.name).toBe(configMap.metadata.name)
    expect(container.envFrom[0].secretRef.name).toBe(secret.metadata.name)
  })

  it('ask probes that Dolly has, at the port that it opens, and restart it only for /healthz', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container
    expect(probes).toContain(readinessProbe.httpGet.path)
    expect(readinessProbe.httpGet.path).not.toBe('/healthz')
    for (const { httpGet } of [startupProbe, livenessProbe]) expect(httpGet.path).toBe('/healthz')
    expect(variable('PORT')).toBe(String(container.ports[0].containerPort))
  })

  it('let a replica take requests until no more come, and give it the time to finish', () => {
    const [, moreRequestsSeconds] = container.lifecycle.preStop.exec.command
    expect(moreRequestsSeconds).toBeGreaterThan(0)
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(moreRequestsSeconds + maxStopSeconds)
  })

  it('have a service that reaches the replicas', () => {
    expect(Service.safeParse(parse(read(`${folder}/service.yaml`))).error).toBeUndefined()
  })
})
