/** The provider on the documentation's page, compiled and run as it stands there. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../src/providers/http.js'
import type { Provider } from '../../src/providers/provider.js'
import { assertDrawable } from '../../src/slack/form/view.js'
import { plainOperation } from '../helpers/plain-refs.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/adding-a-provider.md'), 'utf8')

describe('the documentation’s sixth provider', () => {
  let folder: string
  let server: Server
  let apps: { id: string; name: string; status: string; created_at: string }[]
  let shed: Provider

  beforeAll(async () => {
    const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    // Inside the tree, where its packages are found, but out of the sources, which other tests list at the same time.
    folder = mkdtempSync(join(root, 'test/docs/.page-'))
    const file = join(folder, 'shed.ts')
    const sources = '../../../src'
    const here = code
      .replaceAll("'./provider.js'", `'${sources}/providers/provider.js'`)
      .replaceAll("'../errors.js'", `'${sources}/errors.js'`)
    writeFileSync(file, here)
    ;({ shed } = await import(file))
    apps = [{ id: 'a1', name: 'shop-api', status: 'running', created_at: '2026-08-21T09:00:00Z' }]
    server = createServer(async (request, response) => {
      if (request.method === 'GET') return response.end(JSON.stringify(apps))
      let body = ''
      for await (const chunk of request) body += chunk
      const { name } = JSON.parse(body)
      const clone = { id: `a${apps.length + 1}`, name, status: 'cloning', created_at: '2026-08-21T10:00:00Z' }
      if (apps.some(({ name }) => name === clone.name)) {
        return response.writeHead(409).end(JSON.stringify({ error: 'The name is taken.' }))
      }
      apps.push(clone)
      response.end(JSON.stringify(clone))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await new Promise((resolve) => server.close(resolve))
  })

  it('compiles under the context rules', async () => {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['shed.ts'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', config])
    await expect(compiled).resolves.toMatchObject({ stdout: '' })
  })

  it('draws a form, clones, is watched, and is found again', async () => {
    assertDrawable(shed)
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const api = createApi('shed-prod', shed.client({ url: `http://127.0.0.1:${port}`, token: 'secret-token' }), 1)
    const clone = plainOperation(shed, 'clone')
    const [step] = clone.steps
    expect(await shed.pickers.apps?.(api, {})).toEqual([{ value: 'a1', label: 'shop-api' }])

    const params = clone.fields.parse({ app: 'a1', name: 'shop-copy' })
    const begunAt = Date.parse('2026-08-21T09:59:59Z')
    const attempt = {
      job: 'k7f3q',
      since: new Date(begunAt - 15_000),
      baseline: '',
      tries: 1,
      searchedForMs: 0,
      now: begunAt,
    }
    expect(await step.find?.(api, params, null, attempt)).toBeNull()
    const ref = await step.run(api, params, null, attempt)
    expect(await step.find?.(api, params, null, attempt)).toEqual(ref)
    const taken = { ...params, name: 'shop-api' }
    const baseline = (await step.baseline?.(api, taken, null)) ?? ''
    expect(await step.find?.(api, taken, null, { ...attempt, baseline })).toBeNull()
    expect(await step.check(api, [ref], 0)).toEqual([{ phase: 'working', detail: 'cloning' }])
    for (const app of apps) app.status = 'running'
    expect(await step.check(api, [ref], 0)).toEqual([{ phase: 'done' }])
    await expect(step.run(api, params, null, attempt)).rejects.toThrow('shed-prod: The name is taken.')
  })

  it('names only parts that exist', () => {
    const sources = ['src/providers/provider.ts', 'src/providers/api.ts', 'src/domain/job.ts']
    const contract = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
    const parts = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, part]) => part ?? '')
    expect(parts.length).toBeGreaterThan(10)
    for (const part of parts) expect(contract).toMatch(new RegExp(`\\b${part}\\b`))
  })
})
