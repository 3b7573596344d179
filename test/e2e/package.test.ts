/** The package that `npm pack` makes, in an empty folder beside the dependencies that npm would install with it. */
import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { freePort } from '../../sandbox/free-port.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const Lock = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().default(false) })) })
const Package = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()) })
const { version, dependencies } = Package.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dolly-package-'))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  const run = promisify(execFile)
  // Without its script, which would build in a folder that other tests use.
  const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const tarball = join(folder, packed.stdout.trim())
  await run('tar', ['--extract', '--file', tarball, '--directory', folder])
  rmSync(tarball)
  renameSync(join(folder, 'package'), join(modules, 'dolly'))
  const { packages } = Lock.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  for (const [path, { dev }] of Object.entries(packages)) {
    const isTopLevel = /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)
    if (isTopLevel && !dev) cpSync(join(root, path), join(folder, path), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Starts the package's command in the empty folder. */
function dolly(...args: string[]) {
  const { PATH = '' } = process.env
  const program = join(folder, 'node_modules/dolly/dist/cli.js')
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { PATH }, stdio: 'pipe' })
  const printed = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    printed.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    printed.err += chunk
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { printed, exited, stop: () => child.kill('SIGTERM') }
}

it('has what runs, the files to begin with, the documentation and the licences of what is in it, and nothing else', () => {
  const entries = readdirSync(join(folder, 'node_modules/dolly'), { recursive: true, encoding: 'utf8' })
  const isKnown = /^(dist\/(demo-dist-\w+\.mjs$|[\w-]+\.js$|page\/)|deploy\/|docs\/[\w-]+\.(md|yml|json)$)/
  expect(entries.filter((entry) => !isKnown.test(entry)).sort()).toEqual([
    '.env.example',
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'deploy',
    'dist',
    'dist/cli.LICENSES.txt',
    'dist/demo-bot.mjs',
    'dist/demo-clock.mjs',
    'dist/demo.LICENSES.txt',
    'dist/demo.mjs',
    'dist/page',
    'docs',
    'dolly.example.yml',
    'manifest.yml',
    'package.json',
  ])
  expect(entries).toEqual(expect.arrayContaining(['docs/operating.md', 'docs/access.md', 'deploy/dolly.service']))
  const licences = readFileSync(join(folder, 'node_modules/dolly/dist/cli.LICENSES.txt'), 'utf8')
  for (const name of ['kysely', 'lru-cache', 'pg-types', 'yaml', 'zod'])
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'))
  // Bolt's own servers are left out.
  expect(licences).not.toMatch(/^express \d/m)
})

it('needs the dependencies it names, and no others', () => {
  const dist = join(folder, 'node_modules/dolly/dist')
  const programs = readdirSync(dist).filter((file) => file.endsWith('.js'))
  const code = programs.map((file) => readFileSync(join(dist, file), 'utf8')).join('\n')
  const named = [...code.matchAll(/(?:^import .* from |\b__require\()"((?!node:|\.)[^"]+)"/gm)].map(
    ([, name = '']) => name,
  )
  const loaded = new Set(named.filter((name) => !isBuiltin(name)))
  // pg asks for it only if a variable says so.
  loaded.delete('pg-native')
  expect([...loaded].sort()).toEqual(Object.keys(dependencies).sort())
})

it('prints its version, and says what is missing in an empty folder', async () => {
  const asked = dolly('--version')
  expect(await asked.exited).toBe(0)
  expect(asked.printed.out).toBe(`${version}\n`)
  const start = dolly()
  expect(await start.exited).toBe(1)
  expect(start.printed.err).toContain('SLACK_BOT_TOKEN is not set')
})

it('runs the demo, with its page, on nothing but what the bot needs itself', async () => {
  const port = await freePort()
  const demo = dolly('demo', '--empty', `${port}`)
  try {
    await expect.poll(() => demo.printed.out + demo.printed.err, { timeout: 60_000 }).toContain('Ctrl-C')
    const page = await fetch(`http://127.0.0.1:${port}/`)
    expect(page.status).toBe(200)
    const [, script = ''] = /<script [^>]*src="([^"]+)"/.exec(await page.text()) ?? []
    const answer = await fetch(`http://127.0.0.1:${port}${script}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
    expect((await fetch(`http://127.0.0.1:${port}/package.json`)).status).toBe(404)
  } finally {
    demo.stop()
  }
  expect(await demo.exited).toBe(0)
  expect(readdirSync(folder)).toEqual(['node_modules'])
})

it('writes the files to begin with', async () => {
  const init = dolly('init', 'hoody')
  expect([await init.exited, init.printed.err]).toEqual([0, ''])
  expect(readdirSync(folder).sort()).toEqual(['.env', 'dolly.yml', 'node_modules'])
})
