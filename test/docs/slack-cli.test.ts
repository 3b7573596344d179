/** What the Slack CLI needs for "slack run". The CLI itself doesn't run here: it wants a workspace. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const Hooks = z.strictObject({
  hooks: z.strictObject({ 'get-manifest': z.string(), start: z.string() }),
  config: z.strictObject({
    // Otherwise the CLI itself would open the socket and start one process for each event.
    'sdk-managed-connection-enabled': z.literal(true),
    watch: z.strictObject({ manifest: z.strictObject({ paths: z.array(z.string()) }) }),
  }),
  runtime: z.literal('node'),
})
const { hooks, config } = Hooks.parse(JSON.parse(read('.slack/hooks.json')))

it('gives the Slack CLI the manifest of manifest.yml', async () => {
  // The CLI appends this option to the command, and passes it to a shell.
  const command = `${hooks['get-manifest']} --source=${root}`
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: root })
  expect(JSON.parse(stdout)).toEqual(parse(read('manifest.yml')))
  for (const path of config.watch.manifest.paths) expect(existsSync(join(root, path)), path).toBe(true)
})

it('starts a script of package.json, which starts Dolly from its sources', () => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')))
  const [, name = ''] = /^npm run --silent (\w+)$/.exec(hooks.start) ?? []
  expect(scripts[name]).toMatch(/ src\/cli\.ts$/)
})
