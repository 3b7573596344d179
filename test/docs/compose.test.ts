/** compose.yml and the Dockerfile fit what is in the repository. No Docker runs here. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const page = read('compose.yml')
const dockerfile = read('Dockerfile')

const Service = z.strictObject({
  image: z.string().optional(),
  build: z.literal('.').optional(),
  restart: z.literal('unless-stopped'),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).optional(),
  env_file: z.literal('.env').optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])),
  volumes: z.array(z.string()),
  healthcheck: z.looseObject({ test: z.array(z.string()) }),
  stop_grace_period: z.string(),
  deploy: z.strictObject({ replicas: z.number() }).optional(),
})
const Compose = z.strictObject({
  services: z.strictObject({ postgres: Service, dolly: Service }),
  volumes: z.record(z.string(), z.null()),
})

/** The Compose file, read as Docker does but for the values of variables. */
const { services, volumes } = Compose.parse(parse(page))

describe('compose.yml', () => {
  it('sets only variables of Dolly that .env.example explains', () => {
    const example = read('.env.example')
    for (const name of Object.keys(services.dolly.environment))
      expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'))
  })

  it('takes only those variables from .env that .env.example explains, and refuses to start without them', () => {
    const variables = [...page.matchAll(/\$\{(\w+)(:\?)?[^}]*\}/g)]
    expect(variables.length).toBeGreaterThan(0)
    for (const [, name = '', isRequired] of variables) {
      expect(isRequired).toBe(':?')
      expect(read('.env.example')).toMatch(new RegExp(`^(# )?${name}=`, 'm'))
    }
  })

  it('lets Dolly use the database that it starts', () => {
    const { environment, image } = services.postgres
    const password = environment.POSTGRES_PASSWORD
    const { POSTGRES_USER: user, POSTGRES_DB: name } = environment
    expect(services.dolly.environment.DATABASE_URL).toBe(`postgres://${user}:${password}@postgres:5432/${name}`)
    expect(image).toMatch(/^postgres:\d+$/)
    expect(Object.keys(services.dolly.depends_on ?? {})).toEqual(['postgres'])
  })

  it('runs several replicas, none of which needs a port of the machine', () => {
    expect(services.dolly.deploy?.replicas).toBeGreaterThan(1)
    expect(page).not.toMatch(/^ +ports:/m)
  })

  it('declares the volumes that it names, and mounts files to where Dolly looks for them', () => {
    const sources = [...services.postgres.volumes, ...services.dolly.volumes].map(
      (volume) => volume.split(':')[0] ?? '',
    )
    expect(sources.filter((source) => !source.startsWith('.'))).toEqual(Object.keys(volumes))
    const workingDirectory = /^WORKDIR (.*)$/m.exec(dockerfile)?.[1]
    expect(services.dolly.volumes).toEqual([`./dolly.yml:${workingDirectory}/dolly.yml:ro`])
  })

  it('asks a probe that Dolly has, at the port that it gives it', () => {
    const { PORT } = services.dolly.environment
    expect(services.dolly.healthcheck.test.join(' ')).toContain(`http://127.0.0.1:${PORT}/readyz'`)
    expect(read('src/slack/transport/server.ts')).toContain("'/readyz'")
  })
})

const Package = z.object({
  scripts: z.record(z.string(), z.string()),
  bin: z.object({ dolly: z.string() }),
  files: z.array(z.string()),
})
const { scripts: known, bin, files } = Package.parse(JSON.parse(read('package.json')))
const Matrix = z.object({ node: z.array(z.union([z.string(), z.number()])) })
const Workflow = z.object({ jobs: z.object({ test: z.object({ strategy: z.object({ matrix: Matrix }) }) }) })

/** Each without its "FROM". */
const stages = dockerfile.split(/^FROM /m).slice(1)
const last = stages.at(-1) ?? ''

/** What is copied into the image from the repository. */
function filesOfBuild(): string[] {
  return [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '))
}

describe('the Dockerfile', () => {
  it('copies files that exist and that .dockerignore lets through, and runs scripts that exist', () => {
    const copied = filesOfBuild()
    expect(copied.length).toBeGreaterThan(4)
    for (const file of copied) {
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(read('.dockerignore').split('\n')).toContain(`!${file}`)
    }
    for (const [, script = ''] of dockerfile.matchAll(/npm run (\w+)/g)) expect(known).toHaveProperty(script)
  })

  it('begins with images of one major version of Node that the tests run on, the last one without build tools', () => {
    expect(stages).toHaveLength(2)
    const bases = stages.map((stage) => /^node:(\d+)-bookworm(-slim)?(?: AS build)?\n/.exec(stage))
    const [[, builtOn] = [], [, runsOn, isSlim] = []] = bases.map((base) => base ?? [])
    expect(runsOn).toBe(builtOn)
    expect(isSlim).toBe('-slim')
    const { jobs } = Workflow.parse(parse(read('.github/workflows/test.yml')))
    expect(jobs.test.strategy.matrix.node.map(String)).toContain(runsOn)
    expect(last).not.toMatch(/apt-get|npm /)
  })

  it('has what the package has, but for the demo and what is only read', () => {
    const inImage = [...last.matchAll(/^COPY (?:--from=build \S+ (\S+)|(.+) \S+)$/gm)].flatMap(
      ([, built = '', copied = '']) => [built, ...copied.split(' ')].filter((file) => file !== ''),
    )
    const onlyRead = ['CHANGELOG.md', 'SECURITY.md', 'deploy', 'docs']
    const packed = files.filter((file) => !file.startsWith('!') && !onlyRead.includes(file))
    expect(inImage.sort()).toEqual(['LICENSE', 'node_modules', 'package.json', ...packed].sort())
  })

  it('starts the command without rights, and lets another word take the place of "start"', () => {
    const entry = last.indexOf(`ENTRYPOINT ["node", "/app/${bin.dolly}"]\nCMD ["start"]`)
    expect(entry).toBeGreaterThan(0)
    expect(last.lastIndexOf('\nUSER node\n', entry)).toBeGreaterThan(last.lastIndexOf('\nRUN ', entry))
    expect(last.match(/^USER /gm)).toHaveLength(1)
  })

  it('keeps the database in a volume that its user may write to', () => {
    const [, folder] = /^ENV .*DATABASE_URL=file:\/\/(\/\w+)\//m.exec(last) ?? []
    expect(last).toMatch(new RegExp(`^RUN install --directory --owner node .* ${folder}$`, 'm'))
    expect(last).toMatch(new RegExp(`^VOLUME ${folder}$`, 'm'))
  })

  it('asks a probe that Dolly has, with Node itself, at the port that it opens', () => {
    const [, port] = /^ENV .*\bPORT=(\d+)/m.exec(last) ?? []
    expect(last).toMatch(new RegExp(`^EXPOSE ${port}$`, 'm'))
    const [, program = ''] = /^HEALTHCHECK .*\\\n +CMD (\[.*\])$/m.exec(last) ?? []
    const [node, flag, script] = z.array(z.string()).parse(JSON.parse(program))
    expect([node, flag]).toEqual(['node', '-e'])
    expect(script).toContain("'http://127.0.0.1:' + process.env.PORT + '/healthz'")
    expect(read('src/slack/transport/server.ts')).toContain("'/healthz'")
  })

  it('copies all that the build needs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dolly-image-'))
    for (const file of filesOfBuild()) cpSync(join(root, file), join(folder, file), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    await promisify(execFile)('npm', ['run', 'build'], { cwd: folder })
    expect(existsSync(join(folder, 'dist/cli.js'))).toBe(true)
    rmSync(folder, { recursive: true })
  })
})
