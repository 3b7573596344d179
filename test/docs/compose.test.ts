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
    expect(services.dolly.healthcheck.test.join(' ')).toContain(`http://127.0.0.1:${PORT}/ready'`)
    expect(read('src/slack/transport/server.ts')).toContain("'/ready'")
  })
})

/** What is copied into the image from the repository. */
function filesOfBuild(): string[] {
  return [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '))
}

describe('the Dockerfile', () => {
  it('copies files that exist and that .dockerignore lets through, runs scripts that exist, and starts the command', () => {
    const scripts = z.object({ scripts: z.record(z.string(), z.string()), bin: z.object({ dolly: z.string() }) })
    const { scripts: known, bin } = scripts.parse(JSON.parse(read('package.json')))
    const copied = filesOfBuild()
    expect(copied.length).toBeGreaterThan(4)
    for (const file of copied) {
      expect(existsSync(join(root, file)), file).toBe(true)
      expect(read('.dockerignore').split('\n')).toContain(`!${file}`)
    }
    for (const [, script = ''] of dockerfile.matchAll(/npm run (\w+)/g)) expect(known).toHaveProperty(script)
    expect(dockerfile).toContain(`CMD ["node", "${bin.dolly}"]`)
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
