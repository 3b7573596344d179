/** The workflows on GitHub fit the repository. They don't run here. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const folder = '.github/workflows'

const Rights = z.record(z.string(), z.string())
const Step = z.object({ uses: z.string().optional(), run: z.string().optional() })
const Job = z.object({
  uses: z.string().optional(),
  needs: z.string().optional(),
  permissions: Rights.optional(),
  strategy: z.object({ matrix: z.object({ node: z.array(z.string()) }) }).optional(),
  steps: z.array(Step).default([]),
})
const Workflow = z.object({ permissions: Rights, jobs: z.record(z.string(), Job) })
const Package = z.object({ engines: z.object({ node: z.string() }), scripts: z.record(z.string(), z.string()) })
const { engines, scripts } = Package.parse(JSON.parse(read('package.json')))

const names = readdirSync(join(root, folder))
const jobsOf = (name: string) => Workflow.parse(parse(read(`${folder}/${name}`))).jobs

describe.each(names)('%s', (name) => {
  const { permissions, jobs } = Workflow.parse(parse(read(`${folder}/${name}`)))
  const steps = Object.values(jobs).flatMap((job) => job.steps)

  it('may only read, unless a job says otherwise', () => {
    expect(permissions).toEqual({ contents: 'read' })
  })

  it("uses GitHub's own actions, each of a major version", () => {
    const used = steps.flatMap(({ uses }) => uses ?? [])
    expect(used.length).toBeGreaterThan(0)
    for (const action of used) expect(action).toMatch(/^actions\/[a-z-]+@v\d+$/)
  })

  it('runs scripts that exist', () => {
    const run = steps.flatMap((step) => [...(step.run ?? '').matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script))
    for (const script of run) expect(Object.keys(scripts)).toContain(script)
  })
})

it('runs the tests on the oldest Node that Dolly takes, and on newer ones', () => {
  const [oldest, ...newer] = jobsOf('test.yml').test?.strategy?.matrix.node ?? []
  expect(engines.node).toBe(`>=${oldest}`)
  expect(newer).toEqual(['22', '24', '26'])
})

it('makes a release only after the tests, and with no other right than that', () => {
  const { test, release } = jobsOf('release.yml')
  expect(test?.uses).toBe('./.github/workflows/test.yml')
  expect(release?.needs).toBe('test')
  expect(release?.permissions).toEqual({ contents: 'write' })
})
